"""Routes of the room `accounts`."""

from flask import Blueprint

bp = Blueprint("accounts", __name__)
