"""Routes of the room `campaigns`: the list, the draft's editor, the board, and each person's way."""

from flask import Blueprint

bp = Blueprint("campaigns", __name__)

CAMPAIGN = "/campaigns/<int(max=2147483647):campaign_id>"

from server.campaigns.routes import board, editor, history, listing, lists, marks, steps  # noqa: E402 - they hang themselves on `bp`

__all__ = ["board", "bp", "editor", "history", "listing", "lists", "marks", "steps"]
