"""Routes of the room `feed`."""

from flask import Blueprint

bp = Blueprint("feed", __name__)
