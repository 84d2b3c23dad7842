"""Health and figures for operators: /healthz, /readyz, /metrics.

/metrics answers who asks from this machine, else an admin's token (`Authorization: Bearer …`). It holds counts and
ages only: no address, no subject, no id of a person. The figures of requests are those of the process that answers.
"""

import contextlib
import time
from collections.abc import Iterator

from flask import Flask, Response, abort, current_app, g, jsonify, request, request_started
from flask.typing import ResponseReturnValue
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from redis import RedisError
from sqlalchemy import ColumnElement, func
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from server.accounts.models import Role, TokenKind
from server.accounts.tokens import find_token
from server.clock import now
from server.config import get_settings
from server.db import get_db, get_session
from server.events.models import EventClock, JournalCursor
from server.gmail.models import Mailbox
from server.messages.models import Copy, CopyState
from server.migrate import is_newest
from server.queue import get_wakeups
from server.security import PUBLIC, allow, bearer_token
from server.tracking.drain import list_segments

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
UNFINISHED = (CopyState.QUEUED, CopyState.SENDING, CopyState.FAILED)  # counting what was sent would cost O(history)


def init_app(app: Flask) -> None:
    """Add the three operators' addresses to `app` and measure its requests."""
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
    app.add_url_rule("/metrics", "metrics", metrics)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(Figures())
    requests = Counter("warmline_requests", "Requests answered.", ["endpoint", "method", "status"], registry=registry)
    seconds = Histogram("warmline_request_seconds", "Time to answer.", ["endpoint"], registry=registry)
    app.extensions["warmline_registry"] = registry
    request_started.connect(_start_clock, app)

    @app.after_request
    def measure(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        method = request.method if request.method in METHODS else "other"  # a label must not grow with what is asked
        requests.labels(endpoint, method, response.status_code).inc()
        if "request_began" in g:
            seconds.labels(endpoint).observe(time.perf_counter() - g.request_began)
        return response


def _start_clock(_app: Flask, **_more: object) -> None:
    g.request_began = time.perf_counter()


@allow(PUBLIC)
def healthz() -> ResponseReturnValue:
    """Answer 200 while this process serves requests."""
    return jsonify(status="ok")


@allow(PUBLIC)
def readyz() -> ResponseReturnValue:
    """Answer 200 when the database can be read and is migrated, else 503; without Redis all goes on, only later."""
    try:
        if not is_newest(get_session().connection()):
            return jsonify(status="database not migrated"), 503
    except SQLAlchemyError:
        return jsonify(status="database away"), 503
    try:
        get_wakeups().redis.ping()
    except RedisError:
        return jsonify(status="degraded", redis="away")
    return jsonify(status="ready")


@allow(PUBLIC)
def metrics() -> Response:
    """Answer the figures in Prometheus' text format to this machine or an admin's token."""
    if not _may_read():
        abort(403, "The figures are for this machine and for an admin's token: Authorization: Bearer …")
    return Response(generate_latest(current_app.extensions["warmline_registry"]), content_type=CONTENT_TYPE_LATEST)


def _may_read() -> bool:
    if (secret := bearer_token(request)) is not None:
        found = find_token(get_session(), secret)
        return found is not None and found[0].kind == TokenKind.API and found[1].role == Role.ADMIN
    return request.remote_addr in ("127.0.0.1", "::1", "::ffff:127.0.0.1")


class Figures:
    """What the installation holds and what waits, read when Prometheus asks."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every figure; a database or a Redis that is away is a figure too."""
        try:
            with get_db().session(write=False) as session:
                figures = [*_read_figures(session)]
        except SQLAlchemyError:
            figures = []
        yield GaugeMetricFamily("warmline_database_up", "Whether the database answers.", bool(figures))
        yield from figures
        lengths = GaugeMetricFamily("warmline_queue_length", "Wake-ups that wait.", labels=["queue"])
        with contextlib.suppress(RedisError):  # `warmline_redis_up` says it
            for name, length in get_wakeups().lengths().items():
                lengths.add_metric([name], length)
        yield GaugeMetricFamily("warmline_redis_up", "Whether Redis answers.", bool(lengths.samples))
        yield lengths


def _read_figures(session: Session) -> Iterator[GaugeMetricFamily]:
    at = now()
    copies = GaugeMetricFamily("warmline_copies", "Copies that are not out yet, or failed.", labels=["state"])
    for state in UNFINISHED:
        copies.add_metric([state], _count(session, col(Copy.state) == state))
    yield copies
    due = _count(session, col(Copy.state) == CopyState.QUEUED, col(Copy.due_at) <= at)
    yield GaugeMetricFamily("warmline_copies_due", "Queued copies that could go out now.", due)
    mailboxes = GaugeMetricFamily("warmline_mailboxes", "Mailboxes.", labels=["state"])
    for name, count in session.exec(select(Mailbox.state, func.count()).group_by(Mailbox.state)):
        mailboxes.add_metric([name], count)
    yield mailboxes
    wanted = session.exec(select(func.min(Mailbox.sync_wanted_at))).one()
    age = (at - wanted).total_seconds() if wanted else 0
    yield GaugeMetricFamily("warmline_oldest_wanted_sync_seconds", "Age of the oldest sync that waits.", age)
    last = session.exec(select(func.max(EventClock.last_event_id))).one() or 0
    yield GaugeMetricFamily("warmline_last_event_id", "Number of the last event; grows with each.", last)
    yield GaugeMetricFamily("warmline_undrained_bytes", "Hits on disk, not yet events.", _read_undrained(session))


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    return session.exec(select(func.count()).select_from(Copy).where(*conditions)).one()


def _read_undrained(session: Session) -> int:
    paths = list_segments(get_settings().journal_dir)
    query = select(JournalCursor).where(col(JournalCursor.segment).in_([path.name for path in paths]))
    drained = {cursor.segment: cursor.drained_bytes for cursor in session.exec(query)}
    total = 0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # drained and removed meanwhile
            total += max(0, path.stat().st_size - drained.get(path.name, 0))
    return total
