"""Routes of the room `accounts`: coming in, joining, the team, and what a member sets for themselves."""

from flask import Blueprint

bp = Blueprint("accounts", __name__)

from server.accounts.routes import entry, joining, settings, team, tokens  # noqa: E402 - they hang themselves on `bp`

__all__ = ["bp", "entry", "joining", "settings", "team", "tokens"]
