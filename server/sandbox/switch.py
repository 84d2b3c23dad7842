"""Turns the simulated recipients on and off, for the whole installation: they live outside every workspace."""

from sqlmodel import Session

from server.clock import now
from server.sandbox.models import RecipientsSwitch


def are_recipients_on(session: Session) -> bool:
    """Return whether the simulated recipients may act."""
    switch = session.get(RecipientsSwitch, 1)
    return switch is None or switch.is_on


def switch_recipients(session: Session, is_on: bool) -> None:
    """Let the simulated recipients act, or stop them at once."""
    session.merge(RecipientsSwitch(id=1, is_on=is_on, switched_at=now()))
    session.flush()
