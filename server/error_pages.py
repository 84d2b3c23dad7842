"""How the edge shows an error: a page, a partial where the action was, or problem+json for programs (RFC 9457)."""

from http import HTTPStatus

import structlog
from flask import Flask, Response, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from server.errors import ForeignFailure, Invalid, Refused
from server.htmx import is_partial_wanted

log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Answer every error of `app` in the form its caller reads."""
    app.register_error_handler(Refused, _answer_refused)
    app.register_error_handler(ForeignFailure, _answer_foreign)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_unexpected)


def _answer(status: int, message: str, errors: list[tuple[str, str]] | None = None) -> Response:
    title = HTTPStatus(status).phrase
    if request.path.startswith("/api/"):
        fields = [{"field": field, "message": text} for field, text in errors or []]
        problem = {"type": "about:blank", "title": title, "status": status, "detail": message, "errors": fields}
        response = jsonify(problem)
        response.mimetype = "application/problem+json"
        response.headers["Cache-Control"] = "no-store"
        if status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="Warmline"'  # RFC 6750 §3
    else:
        template = "errors/_error.html" if is_partial_wanted() else "errors/error.html"
        response = make_response(render_template(template, status=status, title=title, message=message))
    response.status_code = status
    return response


def _answer_refused(error: Refused) -> Response:
    errors = error.errors if isinstance(error, Invalid) else [(error.field, error.message)] if error.field else []
    return _answer(error.status, error.message, errors)


def _answer_foreign(error: ForeignFailure) -> Response:
    response = _answer(502 if error.permanent else 503, error.message)
    if error.retry_after_seconds:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _answer_http(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error.get_response()  # a redirect in the shape of an exception
    response = _answer(error.code, error.description or "")
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(error.valid_methods)
    return response


def _answer_unexpected(error: Exception) -> Response:
    log.exception("unexpected error", path=request.path, error=type(error).__name__)
    return _answer(500, "Something went wrong on our side. Nothing you entered was changed; please try again.")
