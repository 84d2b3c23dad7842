"""The blueprint of the REST API, version 1, and what holds for all its routes: bearer tokens only, JSON and files."""

from datetime import UTC, datetime

from flask import Blueprint, Response, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from server.api.cursors import make_cursor
from server.api.openapi import make_document
from server.config import get_settings
from server.documents.uploads import most_request_bytes
from server.errors import Refused
from server.keys import get_keys
from server.limits import limiter
from server.security import PUBLIC, allow, bearer_token

BODY_LIMIT = 5 * 2**20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WITH_A_FILE = ("api.upload_document", "api.upload_document_version")
WITHOUT_BODY = (
    "api.complete_task", "api.pause_campaign", "api.end_campaign", "api.pause_enrolment", "api.end_enrolment",
    "api.retry_delivery",
)  # fmt: skip

bp = Blueprint("api", __name__, url_prefix="/api/v1")


def find_limit() -> str:
    """Return how often one token may ask."""
    return str(current_app.config.get("API_LIMIT", "3000 per minute"))


limiter.shared_limit(
    find_limit, scope="api", error_message=lambda: f"This token may ask {find_limit()}; `Retry-After` says when again."
)(bp)


@bp.before_request
def take_json_from_programs() -> ResponseReturnValue | None:
    """Refuse cookies instead of a token, and bodies that are no JSON object."""
    if request.endpoint == "api.show_openapi":
        return None
    if bearer_token(request) is None:
        abort(401, "The API takes a bearer token: Authorization: Bearer … (see Settings, Access tokens).")
    if request.endpoint in WITH_A_FILE:
        request.max_content_length = most_request_bytes(get_settings())
        if request.mimetype != "multipart/form-data":
            abort(415, "A file comes as multipart/form-data, in the part `file`.")
    elif request.method in ("POST", "PUT", "PATCH") and request.endpoint not in WITHOUT_BODY:
        request.max_content_length = BODY_LIMIT
        if request.mimetype != "application/json":
            abort(415, "The API takes JSON: send Content-Type: application/json.")
        if not isinstance(request.get_json(), dict):
            raise Refused("The body must be a JSON object.")
    return None


@bp.after_request
def keep_out_of_caches(response: Response) -> Response:
    """Let no cache keep what a token opened."""
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/openapi.json")
@allow(PUBLIC)
def show_openapi() -> Response:
    """Answer the OpenAPI document."""
    return jsonify(make_document())


def make_next(name: str, place: tuple[int, ...] | None) -> str | None:
    """Return the cursor of the page behind `place` in the list `name`, None at its end."""
    return None if place is None else make_cursor(get_keys(), current_user.id, name, place)
