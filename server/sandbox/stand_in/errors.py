"""Google's error envelopes: that of its REST APIs and that of its OAuth endpoints (RFC 6749 §5.2)."""

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

STATUS_NAMES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ABORTED",
    413: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
}  # fmt: skip


class GoogleError(Exception):
    """An error answer of one of Google's REST APIs."""

    def __init__(self, code: int, reason: str, message: str, *, status: str = "", domain: str = "global") -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.domain = code, reason, message, domain
        self.status = status or STATUS_NAMES.get(code, "UNKNOWN")

    def body(self) -> dict[str, object]:
        """Return the JSON envelope."""
        detail = {"message": self.message, "domain": self.domain, "reason": self.reason}
        if self.code == 401:
            detail |= {"location": "Authorization", "locationType": "header"}
        return {"error": {"code": self.code, "message": self.message, "errors": [detail], "status": self.status}}


class OAuthError(Exception):
    """An error answer of an OAuth endpoint."""

    def __init__(self, error: str, description: str, *, code: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.code = error, description, code


def make_not_found() -> GoogleError:
    """Return Gmail's answer for an id that is unknown in this mailbox."""
    return GoogleError(404, "notFound", "Requested entity was not found.")


def make_invalid(message: str) -> GoogleError:
    """Return Gmail's answer for an argument it cannot use."""
    return GoogleError(400, "invalidArgument", message)


def init_app(app: Flask) -> None:
    """Answer errors in Google's shapes."""
    app.register_error_handler(GoogleError, _answer_google)
    app.register_error_handler(OAuthError, _answer_oauth)
    app.register_error_handler(HTTPException, _answer_http)


def _answer_google(error: GoogleError) -> tuple[Response, int]:
    return jsonify(error.body()), error.code


def _answer_oauth(error: OAuthError) -> tuple[Response, int]:
    return jsonify(error=error.error, error_description=error.description), error.code


def _answer_http(error: HTTPException) -> tuple[Response, int] | HTTPException:
    code = error.code or 500
    if code < 400:
        return error
    return _answer_google(GoogleError(code, "notFound" if code == 404 else "badRequest", error.description or ""))
