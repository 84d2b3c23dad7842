"""Routes of the room `people`: the list, profiles, the menu, merging, fields of the workspace, import and export."""

from flask import Blueprint

bp = Blueprint("people", __name__)

PERSON = "/people/<int(max=2147483647):person_id>"

from server.people.routes import addresses, fields, imports, listing, menu, merging, profile  # noqa: E402 - see `bp`

__all__ = ["addresses", "bp", "fields", "imports", "listing", "menu", "merging", "profile"]
