"""Routes of the room `library`: the list, the editor with its preview, signatures, and what compose takes from here."""

from flask import Blueprint

bp = Blueprint("library", __name__)

TEMPLATE = "/library/templates/<int(max=2147483647):template_id>"

from server.library.routes import editor, insertions, listing, preview, signatures  # noqa: E402 - see `bp`

__all__ = ["bp", "editor", "insertions", "listing", "preview", "signatures"]
