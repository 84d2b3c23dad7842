"""Health and figures for operators: /healthz, /readyz, /metrics."""

from flask import Flask, Response, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from server.db import get_session
from server.security import PUBLIC, allow


def init_app(app: Flask) -> None:
    """Add the three operators' addresses to `app`."""
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
    app.add_url_rule("/metrics", "metrics", metrics)


@allow(PUBLIC)
def healthz() -> ResponseReturnValue:
    """Answer 200 while this process serves requests."""
    return jsonify(status="ok")


@allow(PUBLIC)
def readyz() -> ResponseReturnValue:
    """Answer 200 when the database can be read, else 503."""
    try:
        get_session().execute(text("SELECT 1"))
    except SQLAlchemyError:
        return jsonify(status="database away"), 503
    return jsonify(status="ready")


@allow(PUBLIC)
def metrics() -> Response:
    """Answer this process's figures in Prometheus' text format."""
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
