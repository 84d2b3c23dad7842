"""How the viewer answers: compressed text, pictures that are asked for anew, and what its pages may do."""

import gzip
from pathlib import Path

from flask import Response, request, send_file

from server.documents.storage import IMAGE_TYPE

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ASKED_ANEW = "private, no-cache"  # kept by the browser, but never shown without asking whether it still may be
SMALLEST_BYTES = 1024


def answer_page(html: str, status: int = 200) -> Response:
    """Answer a page of the viewer, which may run our own script and styles and nothing else."""
    response = _compress(Response(html, status=status, mimetype="text/html"))
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response


def answer_json(body: bytes) -> Response:
    """Answer `body`, which is JSON, with the tag by which it is asked for anew."""
    response = Response(body, mimetype="application/json")
    response.add_etag()
    response.headers["Cache-Control"] = ASKED_ANEW
    response.make_conditional(request)
    return response if response.status_code == 304 else _compress(response)


def answer_image(path: Path) -> Response:
    """Answer a page's picture; link previews elsewhere may show it, too."""
    response = send_file(path, mimetype=IMAGE_TYPE, conditional=True, max_age=0)
    response.headers["Cache-Control"] = ASKED_ANEW
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def answer_file(path: Path, name: str) -> Response:
    """Answer a file to be saved under `name`, never to be shown under our origin."""
    response = send_file(
        path, mimetype="application/octet-stream", as_attachment=True, download_name=name, conditional=True
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _compress(response: Response) -> Response:
    response.vary.add("Accept-Encoding")
    data = response.get_data()
    if len(data) >= SMALLEST_BYTES and request.accept_encodings.quality("gzip"):
        response.set_data(gzip.compress(data, 5))
        response.content_encoding = "gzip"
    return response
