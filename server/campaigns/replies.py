"""What comes into a mailbox, as campaigns see it: received first; what it stops is stopped in that transaction."""

from sqlmodel import Session

from server.campaigns.stops import pause_until, stop_on_reply
from server.gmail.answers import RawMail
from server.gmail.models import Mailbox
from server.messages import inbound
from server.messages.models import InboundKind


def receive(session: Session, mailbox: Mailbox, mail: RawMail) -> None:
    """Take `mail` in; a reply ends the campaign of the thread's person, an absence holds it back (T2–T4, T6)."""
    received = inbound.receive(session, mailbox, mail)
    if received is None:
        return
    if received.mail.kind == InboundKind.REPLY:
        stop_on_reply(session, received.copy, received.mail)
    elif received.returns_on is not None:
        pause_until(session, received.copy, received.returns_on, f"absent_until:{received.returns_on.isoformat()}")
