"""Routes of the room `feed`: Engagement, the floating window, the live stream's tickets, and notifications."""

from flask import Blueprint

bp = Blueprint("feed", __name__)

from server.feed.routes import engagement, notifications, window  # noqa: E402 - they hang themselves on `bp`

__all__ = ["bp", "engagement", "notifications", "window"]
