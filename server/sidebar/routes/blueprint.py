"""The blueprint of what the extension asks, and what holds for all of it: version, limit, errors that it can read."""

from typing import Any

import structlog
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from server.errors import ForeignFailure, Refused
from server.limits import limiter
from server.security import EXTENSION_HEADER
from server.sidebar.answers import Declined
from server.sidebar.versions import MINIMUM_EXTENSION, is_too_old

BODY_LIMIT = 5 * 2**20
LIMIT = "600 per minute"
CODES = {404: "not_found", 413: "too_large", 429: "too_many"}

answers = Blueprint("extension", __name__, url_prefix="/extension")
limiter.shared_limit(LIMIT, scope="extension", error_message=lambda: _("Gmail asks Warmline too often."))(answers)
log = structlog.get_logger()


@answers.before_request
def refuse_old_extensions() -> ResponseReturnValue | None:
    """Refuse a version that no longer works, before it can do harm, and bodies that nobody needs."""
    request.max_content_length = BODY_LIMIT
    if not is_too_old(request.headers.get(EXTENSION_HEADER, "")):
        return None
    answer = _tell("extension_too_old", _("This version of the extension is too old for your Warmline."),
                   _("Update the extension in chrome://extensions."), 426)  # fmt: skip
    answer.set_data(jsonify({**answer.get_json(), "minimum_extension": MINIMUM_EXTENSION}).data)
    return answer


@answers.errorhandler(Refused)
def answer_refused(error: Refused) -> Response:
    """Say what a verb refused."""
    code, fix = (error.code, error.fix) if isinstance(error, Declined) else ("", "")
    return _tell(code or CODES.get(error.status, "refused"), error.message, fix, error.status, error.field)


@answers.errorhandler(ForeignFailure)
def answer_foreign(error: ForeignFailure) -> Response:
    """Say that a service outside failed."""
    return _tell("unavailable", error.message, _("Try again later."), 503)


@answers.errorhandler(HTTPException)
def answer_http(error: HTTPException) -> ResponseReturnValue:
    """Say what HTTP has a number for."""
    if error.code is None or error.code < 400:
        return error.get_response()
    return _tell(CODES.get(error.code, "bad_request"), error.description or error.name, "", error.code)


@answers.errorhandler(Exception)
def answer_unexpected(error: Exception) -> Response:
    """Say that something failed here."""
    log.exception("unexpected error", path=request.path, error=type(error).__name__)
    return _tell("failed", _("Something went wrong on our side."), _("Try again later."), 500)


def read_body() -> dict[str, Any]:
    """Return the body of this request; refuses one that is no JSON object."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Declined("bad_request", _("The body must be a JSON object."), status=400)
    return body


def read_text(body: dict[str, Any], name: str, most: int = 2**21) -> str:
    """Return the text `name` of a body, "" where it is missing or null; refuses what is none, or longer than `most`."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most:
        raise Declined("bad_request", _("“%(name)s” must be a text.", name=name), status=400, field=name)
    return value


def _tell(code: str, message: str, fix: str, status: int, field: str | None = None) -> Response:
    response = jsonify(error=code, message=message, fix=fix, **({"field": field} if field else {}))
    response.status_code = status
    return response
