"""The mail that a person was sent, newest first, with how sure it is that they read it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.accounts.scope import may_see_team
from server.events.reading import ReadingState, read_recipient_states
from server.messages.models import Copy, Message, Recipient
from server.messages.personal import subject_of

SHOWN_MAIL = 5


@dataclass(frozen=True, slots=True)
class MailToPerson:
    """One mail to one person; `is_shared` where its state may be another's who got the same copy."""

    message_id: int
    subject: str
    sent_at: datetime
    state: ReadingState
    is_shared: bool
    is_trackable: bool


def read_mail_to(session: Session, member: Member, person_id: int, limit: int = SHOWN_MAIL) -> list[MailToPerson]:
    """Return the latest mail to a person, as far as `member` may see it (F16)."""
    chosen = (
        select(Recipient.id, Copy, Message)
        .join(Copy, col(Copy.id) == col(Recipient.copy_id))
        .join(Message, col(Message.id) == col(Recipient.message_id))
        .where(col(Recipient.person_id) == person_id, col(Copy.sent_at).is_not(None))
    )
    if not may_see_team(session, member):
        chosen = chosen.where(col(Message.member_id) == member.id)
    rows = session.execute(chosen.order_by(col(Recipient.id).desc()).limit(limit)).all()
    states = read_recipient_states(session, {message.id for _id, _copy, message in rows}) if rows else {}
    mail = []
    for recipient_id, copy, message in rows:
        told = states[recipient_id]
        is_shared = told.is_shared and told.state == ReadingState.NONE
        state = told.copy_state if is_shared else told.state
        subject, sent_at = subject_of(message, copy), copy.sent_at or message.created_at
        mail.append(MailToPerson(message.id, subject, sent_at, state, is_shared, message.is_trackable))
    return mail
