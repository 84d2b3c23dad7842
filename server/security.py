"""Who may call a route, from where, and what a page may do; one decision a paragraph.

Default deny. A route without `@allow(...)` answers nobody: forgetting to decide is a 403, not a hole. The whole table
route × role is generated from these marks (docs/permissions.md) and tested.

Cross-site requests. Every current browser says where a request comes from (`Sec-Fetch-Site`, else `Origin`). A
request that may change something is refused unless it comes from our own origin or from no page at all. A request
with neither header does not come from a browser, so no cookie was put on it against its owner's will. Requests that
carry a bearer token need no such check: a page cannot add that header without being let.

Content Security Policy. Scripts and styles come from our own files only; no inline script, no eval. Text from outside
is escaped by Jinja, and if that ever failed the browser would still not run it. Pages are never framed.
"""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Flask, Request, Response, abort, current_app, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from server.config import Settings

PUBLIC = "public"
ROLES = ("rep", "manager", "admin")  # each may do what those before it may
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")

View = TypeVar("View", bound=Callable[..., object])


def allow(role: str) -> Callable[[View], View]:
    """Mark a view as open to `role` and those above it, or to everybody (`PUBLIC`)."""
    if role != PUBLIC and role not in ROLES:
        raise ValueError(f"{role!r} is not one of {(PUBLIC, *ROLES)}")

    def mark(view: View) -> View:
        view.allowed_role = role  # type: ignore[attr-defined]
        return view

    return mark


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
    host = request.headers.get("Host", "").lower()
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if host != urlsplit(settings.base_url).netloc.lower() and name not in LOOPBACK_NAMES:
        abort(421, f"This is {settings.base_url}, and it answers under no other name. An operator can set BASE_URL.")


def _refuse_cross_site() -> None:
    if request.method in SAFE_METHODS or bearer_token(request) is not None:
        return
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "takes_cross_site", False):
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site in ("same-origin", "none"):
        return
    if site is None and (origin is None or origin in _own_origins()):
        return
    abort(403, "This request came from another site, so Warmline did not act on it.")


def _own_origins() -> tuple[str, str]:
    base = urlsplit(current_app.config["BASE_URL"])
    return f"{base.scheme}://{base.netloc}", f"{request.scheme}://{request.host}"


def _refuse_without_role() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None
    role = getattr(current_app.view_functions.get(request.endpoint), "allowed_role", None)
    if role == PUBLIC:
        return None
    if role is None:
        abort(403, "No role may use this page.")
    if not current_user.is_authenticated:
        answer: ResponseReturnValue = current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
        return answer
    if not has_role(role):
        abort(403, f"This needs the role “{role}”. An admin of your workspace can give it to you.")
    return None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _put_headers(response: Response) -> Response:
    settings = current_app.config["SETTINGS"]
    response.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; manifest-src 'self'; "
        f"img-src 'self' data: {settings.edge_base_url}; connect-src 'self' {settings.stream_base_url}; "
        # Chromium holds a form's redirects to this too, so Google's consent page must be among the targets.
        f"form-action 'self' {_origin(settings.google_auth_uri)}; base-uri 'none'; frame-ancestors 'none'",
    )
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if settings.is_https:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
