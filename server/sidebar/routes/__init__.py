"""Routes of the room `sidebar`: pairing, settings, and all that the extension asks (docs/extension-api.md)."""

from flask import Blueprint

from server.sidebar.routes.blueprint import answers

bp = Blueprint("sidebar", __name__)

from server.sidebar.routes import mail, pages, pairing, status, thread  # noqa: E402 - they hang themselves on both

bp.register_blueprint(answers)

__all__ = ["answers", "bp", "mail", "pages", "pairing", "status", "thread"]
