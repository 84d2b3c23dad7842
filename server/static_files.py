"""Built scripts and styles: served with their content hash in the URL, so that browsers may keep them for ever."""

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from flask import Flask, Response, request, send_from_directory, url_for

from server.security import PUBLIC, allow

FOLDER = Path(__file__).parent / "static"
YEAR_SECONDS = 31_536_000
ENCODINGS = {"br": ".br", "gzip": ".gz"}  # made by the build, best first


def init_app(app: Flask) -> None:
    """Serve `server/static/` under `/static/` and give templates `static(name)`."""
    app.add_url_rule("/static/<path:name>", "static", serve)
    app.jinja_env.globals["static"] = lambda name: url_for("static", name=name, v=digest(name))


@allow(PUBLIC)
def serve(name: str) -> Response:
    """Answer one built file, compressed where the browser takes it and the build made it."""
    suffixes = {code: suffix for code, suffix in ENCODINGS.items() if (FOLDER / (name + suffix)).is_file()}
    encoding = request.accept_encodings.best_match([*suffixes, "identity"]) if suffixes else None
    response = send_from_directory(FOLDER, name + suffixes.get(encoding or "", ""), max_age=YEAR_SECONDS)
    if suffixes:
        response.vary.add("Accept-Encoding")
    if encoding is not None and encoding in suffixes:
        response.mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
        response.content_encoding = encoding
    return response


@cache
def digest(name: str) -> str:
    """Return what stands in the address of a built file and changes with it."""
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]
