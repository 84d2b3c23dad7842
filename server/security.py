"""Who may call a route, from where, and what a page may do. docs/security.md says why, one decision a paragraph."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Flask, Request, Response, abort, current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.config import Settings

PUBLIC = "public"
ROLES = ("rep", "manager", "admin")  # each may do what those before it may
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
EXTENSION_HEADER = "X-Warmline-Extension"  # its version, on each request of the Gmail extension
PROBES = ("healthz", "readyz")  # asked by address, and they tell nothing

View = TypeVar("View", bound=Callable[..., object])


def allow(role: str) -> Callable[[View], View]:
    """Mark a view as open to `role` and those above it, or to everybody (`PUBLIC`)."""
    if role != PUBLIC and role not in ROLES:
        raise ValueError(f"{role!r} is not one of {(PUBLIC, *ROLES)}")

    def mark(view: View) -> View:
        view.allowed_role = role  # type: ignore[attr-defined]
        return view

    return mark


def allow_framing(view: View) -> View:
    """Mark a page that may stand in a frame of our own pages and hold one: the floating window, kept on top."""
    view.is_framed = True  # type: ignore[attr-defined]
    return view


def has_role(role: str) -> bool:
    """Return whether the current member's role is `role` or above it."""
    return bool(current_user.is_authenticated) and ROLES.index(current_user.role) >= ROLES.index(role)


def init_app(app: Flask) -> None:
    """Check every request before its view, and put the headers on every answer."""
    app.before_request(_refuse_foreign_host)
    app.before_request(_refuse_cross_site)
    app.before_request(_refuse_without_role)
    app.after_request(_put_headers)


def bearer_token(request: Request) -> str | None:
    """Return the secret of an `Authorization: Bearer` header, "" where it is empty, None where there is none.

    Only this scheme counts: a browser adds `Basic` by itself, also to a request that another site makes.
    """
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _refuse_foreign_host() -> None:
    settings: Settings = current_app.config["SETTINGS"]
    if request.endpoint in PROBES:
        return
    host = request.headers.get("Host", "").lower()
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if host != urlsplit(settings.base_url).netloc.lower() and name not in LOOPBACK_NAMES:
        message = _("This is %(url)s, and it answers under no other name. An operator can set BASE_URL.",
                    url=settings.base_url)  # fmt: skip
        abort(421, message)


def _refuse_cross_site() -> None:
    if request.method in SAFE_METHODS or bearer_token(request) is not None:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site in ("same-origin", "none"):
        return
    if site is None and (origin is None or origin in _own_origins()):
        return
    abort(403, _("This request came from another site, so Warmline did not act on it."))


def _own_origins() -> tuple[str, str]:
    return _origin(current_app.config["BASE_URL"]), f"{request.scheme}://{request.host}"


def _refuse_without_role() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None
    role = getattr(current_app.view_functions.get(request.endpoint), "allowed_role", None)
    if role == PUBLIC:
        return None
    if role is None:
        abort(403, _("No role may use this page."))
    if not current_user.is_authenticated:
        answer: ResponseReturnValue = current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
        return answer
    if not has_role(role):
        abort(403, _("This needs the role “%(role)s”. An admin of your workspace can give it to you.", role=role))
    return None


def _put_headers(response: Response) -> Response:
    settings: Settings = current_app.config["SETTINGS"]
    headers = {
        "Content-Security-Policy": _content_security_policy(settings, _is_framed()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    if settings.is_https:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    return response


def _is_framed() -> bool:
    return bool(getattr(current_app.view_functions.get(request.endpoint or ""), "is_framed", False))


def _content_security_policy(settings: Settings, is_framed: bool) -> str:
    edge, stream, google = map(_origin, (settings.edge_base_url, settings.stream_base_url, settings.google_auth_uri))
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "img-src": f"'self' data: {edge}",  # the edge knows a member's browser by an image (T12)
        "connect-src": f"'self' {stream}",
        "form-action": f"'self' {google}",  # Chromium holds the redirect that follows a form to this, too
        "base-uri": "'none'",
        "frame-ancestors": "'self'" if is_framed else "'none'",
    }
    if is_framed:
        rules["frame-src"] = "'self'"
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
