"""The Pub/Sub push endpoint: verify, seen?, record, wake."""

from flask import Blueprint

bp = Blueprint("gmail_webhook", __name__)
