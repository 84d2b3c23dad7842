"""How the edge shows an error: a page, a partial where the action was, or problem+json for programs (RFC 9457)."""

from http import HTTPStatus

import structlog
from flask import Flask, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from server.errors import ForeignFailure, Refused
from server.htmx import is_partial_wanted

log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Answer every error of `app` in the form its caller reads."""
    app.register_error_handler(Refused, lambda error: _answer(error.status, error.message, error.field))
    app.register_error_handler(ForeignFailure, lambda error: _answer(502 if error.permanent else 503, error.message))
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_unexpected)


def _answer(status: int, message: str, field: str | None = None) -> ResponseReturnValue:
    title = HTTPStatus(status).phrase
    if request.path.startswith("/api/"):
        problem = {"type": "about:blank", "title": title, "status": status, "detail": message}
        response = jsonify(problem | ({"field": field} if field else {}))
        response.mimetype = "application/problem+json"
        return response, status
    template = "errors/_error.html" if is_partial_wanted() else "errors/error.html"
    return render_template(template, status=status, title=title, message=message), status


def _answer_http(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error.get_response()  # a redirect in the shape of an exception
    answer = _answer(error.code, error.description or "")
    if isinstance(answer, tuple) and error.response is None and (retry := getattr(error, "retry_after", None)):
        body, status = answer  # type: ignore[misc]
        return body, status, {"Retry-After": str(retry)}  # type: ignore[return-value]
    return answer


def _answer_unexpected(error: Exception) -> ResponseReturnValue:
    log.exception("unexpected error", path=request.path, error=type(error).__name__)
    return _answer(500, "Something went wrong on our side. Nothing you entered was changed; please try again.")
