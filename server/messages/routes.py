"""Routes of the room `messages`."""

from flask import Blueprint

bp = Blueprint("messages", __name__)
