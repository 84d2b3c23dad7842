"""The edge's routes of documents, on the recipients' origin."""

from flask import Blueprint

from server.documents.viewer.page import built

bp = Blueprint("viewer", __name__)
bp.add_app_template_global(built)

from server.documents.viewer.routes import views  # noqa: E402 - see `bp`

__all__ = ["bp", "views"]
