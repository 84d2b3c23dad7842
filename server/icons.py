"""Lucide icons, inlined into the page: `icon("mail")` in every template."""

import json
from functools import cache

from flask import Flask
from markupsafe import Markup

from server.static_files import FOLDER


def init_app(app: Flask) -> None:
    """Give the templates of `app` the global `icon(name)`."""
    app.jinja_env.globals["icon"] = icon


@cache
def icon(name: str) -> Markup:
    """Return the lucide icon `name` as an SVG that takes the text's colour and size and that no reader speaks."""
    return Markup(  # noqa: S704 - the drawings come from the build, not from outside
        '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
        f'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{_drawings()[name]}</svg>'
    )


@cache
def _drawings() -> dict[str, str]:
    drawings: dict[str, str] = json.loads((FOLDER / "icons.json").read_text())
    return drawings
