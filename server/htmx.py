"""One route, a page or a partial: what htmx-flask leaves to us."""

from flask import Flask, Response, render_template, request
from htmx_flask import Htmx


def is_partial_wanted() -> bool:
    """Return whether the caller swaps a partial into a page it already has (never for a history restore)."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def render(page: str, partial: str, **context: object) -> str:
    """Render `partial` for htmx and the whole `page`, which includes it, for everybody else."""
    return render_template(partial if is_partial_wanted() else page, **context)


def init_app(app: Flask) -> None:
    """Install htmx-flask and the `Vary` header it does not send."""
    Htmx(app)

    @app.after_request
    def vary(response: Response) -> Response:
        response.vary.add("HX-Request")
        return response
