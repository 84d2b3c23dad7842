"""Routes of the room `gmail`."""

from flask import Blueprint

bp = Blueprint("gmail", __name__)
