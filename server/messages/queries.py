"""The reads that the pages of messages and the API need."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import func
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.accounts.scope import may_see_team
from server.events.readers import Readers, read_readers, tell_readers
from server.events.reading import ReadingState, RecipientReading, combine, read_recipient_states, state_of
from server.gmail.models import Mailbox, MailboxState
from server.messages.models import Copy, CopyState, Link, Message, Recipient

PAGE_SIZE = 50
SHOWN_RECIPIENTS = 3
ESTIMATED_COPIES = 100
# What a message with several copies shows: the first of these that one of its copies is in.
STATE_ORDER = (
    CopyState.FAILED, CopyState.SENDING, CopyState.QUEUED, CopyState.HANDED, CopyState.SENT, CopyState.EXCLUDED,
)  # fmt: skip


class Counts(NamedTuple):
    """What came of one or several copies."""

    views: int = 0
    clicks: int = 0
    replies: int = 0
    bounces: int = 0
    repeats: int = 0

    def __add__(self, other: tuple[int, ...]) -> "Counts":  # type: ignore[override]
        return Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message with its copies, and each copy's recipients in the order they were written."""

    message: Message
    copies: list[Copy]
    recipients: dict[int, list[Recipient]]
    readings: dict[int, RecipientReading] = field(default_factory=dict)
    readers: dict[int, Readers] = field(default_factory=dict)

    @property
    def reading(self) -> ReadingState:
        """The surest reading state of its copies."""
        return combine(state_of(copy.reading) for copy in self.copies)

    def tell_readers(self, copy: Copy) -> str:
        """Return in words how many people read a copy, as far as that can be told."""
        return tell_readers(self.readers.get(copy.id, Readers()), len(self.recipients.get(copy.id, [])))

    def count_colleagues(self, copy: Copy) -> int:
        """Return how often colleagues of the workspace opened a copy; that counts apart."""
        return self.readers.get(copy.id, Readers()).colleagues

    @property
    def state(self) -> str:
        """The state of the whole message."""
        return message_state(self.copies)

    @property
    def is_unseen(self) -> bool:
        """Whether somebody answered or clicked although no view was seen: their program loads no images (T11)."""
        counts = self.counts
        return self.message.track_views and not counts.views and bool(counts.replies or counts.clicks)

    @property
    def everybody(self) -> list[Recipient]:
        """All recipients of all copies."""
        return [recipient for copy in self.copies for recipient in self.recipients.get(copy.id or 0, [])]

    @property
    def counts(self) -> Counts:
        """What came of all copies, and what their readers did whom the policy leaves unnamed."""
        return sum((counts_of(copy) for copy in self.copies), sums_of(self.message))


@dataclass(frozen=True, slots=True)
class MessageLine:
    """A message in a list: its state, its counts, and the first of its recipients."""

    message: Message
    state: str
    counts: Counts
    recipients: list[Recipient]
    recipient_count: int
    reading: ReadingState = ReadingState.NONE
    copies: int = 1
    copies_read: int = 0


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One page of sent messages, newest first; `next` is the `before` of the following page."""

    lines: list[MessageLine]
    next: int | None


def message_state(copies: Iterable[Copy]) -> str:
    """Return the state of a message: failed, sending, queued or sent, in this order of precedence."""
    return _combine({copy.state for copy in copies})


def counts_of(copy: Copy) -> Counts:
    """Return what came of one copy."""
    return Counts(copy.views, copy.clicks, copy.replies, copy.bounces, copy.repeats)


def sums_of(message: Message) -> Counts:
    """Return what is counted for a message as a whole, under an aggregate policy."""
    return Counts(message.aggregate_views, message.aggregate_clicks)


def find_message(session: Session, member: Member, message_id: int) -> MessageView | None:
    """Return a message of the member, or of their team where they may see that (F16)."""
    message = session.get(Message, message_id)
    if message is None or message.workspace_id != member.workspace_id:
        return None
    if message.member_id != member.id and not may_see_team(session, member):
        return None
    return _make_view(session, message)


def read_messages(session: Session, member_id: int, before: int, limit: int = PAGE_SIZE) -> MessagePage:
    """Return one page of the member's messages with id below `before`, newest first."""
    mine = select(Message).where(Message.member_id == member_id, col(Message.id) < before)
    messages = session.exec(mine.order_by(col(Message.id).desc()).limit(limit + 1)).all()
    page = messages[:limit]
    return MessagePage(_make_lines(session, page), page[-1].id if len(messages) > limit else None)


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


def find_sender(session: Session, member_id: int, mailbox_id: str = "") -> Mailbox | None:
    """Return the mailbox to send from: the one with the id that a form names, the first where it names none."""
    senders = list_senders(session, member_id)
    return next((sender for sender in senders if mailbox_id in ("", str(sender.id))), None)


def read_links(session: Session, message_id: int) -> Sequence[Link]:
    """Return the wrapped links of a message in the order of the mail."""
    return session.exec(select(Link).where(Link.message_id == message_id).order_by(col(Link.position))).all()


def _combine(states: AbstractSet[str]) -> str:
    if len(states & {CopyState.QUEUED, CopyState.SENT}) == 2 and CopyState.FAILED not in states:
        return CopyState.SENDING
    return next((state for state in STATE_ORDER if state in states), CopyState.QUEUED)


def _make_view(session: Session, message: Message) -> MessageView:
    copies = session.exec(select(Copy).where(Copy.message_id == message.id).order_by(col(Copy.id))).all()
    recipients: dict[int, list[Recipient]] = {}
    for recipient in session.exec(
        select(Recipient).where(Recipient.message_id == message.id).order_by(col(Recipient.id))
    ):
        recipients.setdefault(recipient.copy_id, []).append(recipient)
    readings = read_recipient_states(session, [message.id])
    return MessageView(message, list(copies), recipients, readings, _read_readers(session, copies))


def _read_readers(session: Session, copies: Sequence[Copy]) -> dict[int, Readers]:
    return read_readers(session, [copy.id for copy in copies[:ESTIMATED_COPIES]])


def _make_lines(session: Session, messages: Sequence[Message]) -> list[MessageLine]:
    ids = [message.id for message in messages]
    sums = [func.sum(column) for column in (Copy.views, Copy.clicks, Copy.replies, Copy.bounces, Copy.repeats)]
    by_state = select(Copy.message_id, Copy.state, *sums).where(col(Copy.message_id).in_(ids))
    states: dict[int, set[str]] = {message_id: set() for message_id in ids}
    counts = {message.id: sums_of(message) for message in messages}
    for message_id, state, *figures in session.execute(by_state.group_by(col(Copy.message_id), col(Copy.state))):
        states[message_id].add(state)
        counts[message_id] += tuple(figures)
    people = _read_first_recipients(session, ids)
    readings = _read_readings(session, ids)
    lines = []
    for message in messages:
        recipients, total = people[message.id]
        reading, copies, copies_read = readings[message.id]
        came = counts[message.id]
        state = _combine(states[message.id])
        lines.append(MessageLine(message, state, came, recipients, total, reading, copies, copies_read))
    return lines


def _read_readings(session: Session, ids: list[int]) -> dict[int, tuple[ReadingState, int, int]]:
    """Return of each message the surest reading state, its copies, and how many of them are in that state."""
    counted = select(Copy.message_id, Copy.reading, func.count()).where(col(Copy.message_id).in_(ids))
    readings = {message_id: (ReadingState.NONE, 0, 0) for message_id in ids}
    rows = session.execute(counted.group_by(col(Copy.message_id), col(Copy.reading)).order_by(col(Copy.reading)))
    for message_id, level, copies in rows:
        readings[message_id] = (state_of(level), readings[message_id][1] + copies, copies)
    return readings


def _read_first_recipients(session: Session, ids: list[int]) -> dict[int, tuple[list[Recipient], int]]:
    """Return the first recipients of each message, and how many it has."""
    message_id = col(Recipient.message_id)
    place = func.row_number().over(partition_by=message_id, order_by=col(Recipient.id)).label("place")
    total = func.count().over(partition_by=message_id).label("total")
    ranked = select(col(Recipient.id).label("id"), place, total).where(message_id.in_(ids)).subquery()
    rows = select(Recipient, ranked.c.total).join(ranked, ranked.c.id == col(Recipient.id))
    people: dict[int, tuple[list[Recipient], int]] = {message_id: ([], 0) for message_id in ids}
    for recipient, count in session.execute(rows.where(ranked.c.place <= SHOWN_RECIPIENTS).order_by(ranked.c.id)):
        shown, _ = people[recipient.message_id]
        people[recipient.message_id] = ([*shown, recipient], count)
    return people
