"""The reads that the pages of messages and the API need."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.accounts.scope import may_see_team
from server.gmail.models import Mailbox, MailboxState
from server.messages.models import Copy, CopyState, Link, Message, Recipient

PAGE_SIZE = 50
# What a message with several copies shows: the first of these that one of its copies is in.
STATE_ORDER = (CopyState.FAILED, CopyState.SENDING, CopyState.QUEUED, CopyState.SENT)


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message with its copies, and each copy's recipients in the order they were written."""

    message: Message
    copies: list[Copy]
    recipients: dict[int, list[Recipient]]

    @property
    def state(self) -> str:
        """The state of the whole message."""
        return message_state(self.copies)

    @property
    def is_unseen(self) -> bool:
        """Whether somebody answered or clicked although no view was seen: their program loads no images (T11)."""
        return (
            self.message.track_views and not self.total("views") and bool(self.total("replies") or self.total("clicks"))
        )

    @property
    def everybody(self) -> list[Recipient]:
        """All recipients of all copies."""
        return [recipient for copy in self.copies for recipient in self.recipients.get(copy.id or 0, [])]

    def total(self, counter: str) -> int:
        """Return the sum of one of the copies' counters: views, clicks, replies, bounces."""
        return sum(int(getattr(copy, counter)) for copy in self.copies)


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One page of sent messages, newest first; `next` is the `before` of the following page."""

    views: list[MessageView]
    next: int | None


def message_state(copies: Iterable[Copy]) -> str:
    """Return the state of a message: failed, sending, queued or sent, in this order of precedence."""
    states = {copy.state for copy in copies}
    if len(states & {CopyState.QUEUED, CopyState.SENT}) == 2 and CopyState.FAILED not in states:
        return CopyState.SENDING
    return next((state for state in STATE_ORDER if state in states), CopyState.QUEUED)


def find_message(session: Session, member: Member, message_id: int) -> MessageView | None:
    """Return a message of the member, or of their team where they may see that (F16)."""
    message = session.get(Message, message_id)
    if message is None or message.workspace_id != member.workspace_id:
        return None
    if message.member_id != member.id and not may_see_team(session, member):
        return None
    return _make_views(session, [message])[0]


def read_messages(session: Session, member_id: int, before: int | None = None, limit: int = PAGE_SIZE) -> MessagePage:
    """Return one page of the member's messages with id below `before`, newest first."""
    query = select(Message).where(Message.member_id == member_id).order_by(col(Message.id).desc()).limit(limit + 1)
    if before is not None:
        query = query.where(col(Message.id) < before)
    messages = session.exec(query).all()
    page = messages[:limit]
    return MessagePage(_make_views(session, page), page[-1].id if len(messages) > limit else None)


def find_copy(session: Session, member_id: int, copy_id: int) -> Copy | None:
    """Return a copy of one of the member's messages."""
    return session.exec(
        select(Copy)
        .join(Message, col(Message.id) == Copy.message_id)
        .where(Copy.id == copy_id, Message.member_id == member_id)
    ).one_or_none()


def list_senders(session: Session, member_id: int) -> Sequence[Mailbox]:
    """Return the mailboxes that the member can send from."""
    linked = select(Mailbox).where(Mailbox.member_id == member_id, Mailbox.state == MailboxState.LINKED)
    return session.exec(linked.order_by(col(Mailbox.id))).all()


def read_links(session: Session, message_id: int) -> Sequence[Link]:
    """Return the wrapped links of a message in the order of the mail."""
    return session.exec(select(Link).where(Link.message_id == message_id).order_by(col(Link.position))).all()


def _make_views(session: Session, messages: Sequence[Message]) -> list[MessageView]:
    ids = [message.id for message in messages]
    copies = session.exec(select(Copy).where(col(Copy.message_id).in_(ids)).order_by(col(Copy.id))).all()
    recipients = session.exec(
        select(Recipient).where(col(Recipient.message_id).in_(ids)).order_by(col(Recipient.id))
    ).all()
    by_copy: dict[int, list[Recipient]] = {}
    for recipient in recipients:
        by_copy.setdefault(recipient.copy_id, []).append(recipient)
    return [
        MessageView(message, [copy for copy in copies if copy.message_id == message.id], by_copy)
        for message in messages
    ]
