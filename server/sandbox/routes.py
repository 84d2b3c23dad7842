"""Routes of the room `sandbox`."""

from flask import Blueprint

bp = Blueprint("sandbox", __name__)
