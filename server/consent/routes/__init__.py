"""Routes of the room `consent` for members: the policy, who is not written to, the ledger of a person, erasing."""

from flask import Blueprint

from server.consent.suppression import say_reason

bp = Blueprint("consent", __name__)
bp.add_app_template_filter(say_reason, "reason")

from server.consent.routes import legal, persons, policy, suppression  # noqa: E402 - see `bp`

__all__ = ["bp", "legal", "persons", "policy", "suppression"]
