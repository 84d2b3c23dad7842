"""Routes of the room `documents` on the members' side: the library, a document, its links, what compose takes."""

from flask import Blueprint

bp = Blueprint("documents", __name__)

DOCUMENT = "/documents/<string(length=32):public_id>"

from server.documents.routes import document, insertions, library, links  # noqa: E402 - see `bp`

__all__ = ["bp", "document", "insertions", "library", "links"]
