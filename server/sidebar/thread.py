"""What the sidebar shows beside an open thread: its tracked mail with who read it, and whom it is with."""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import func
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.accounts.scope import Scope
from server.clock import now
from server.documents.models import Document, Share
from server.documents.progress import Progress, make_progress
from server.documents.viewer.models import DocumentVisit
from server.errors import Refused
from server.events.reading import RecipientReading, read_recipient_states
from server.feed.rows import FeedRow, present
from server.gmail.models import Mailbox
from server.messages.addresses import Address, read_addresses
from server.messages.models import Copy, Message, Recipient
from server.people.menu import Menu, find_menu
from server.people.timeline import read_timeline
from server.tasks.queries import Filter, TaskRow, read_tasks

MOST_MAILS = 10
MOST_RECIPIENTS = 20
MOST_PEOPLE = 10
MOST_ROWS = 3
MOST_TASKS = 3
MOST_DOCUMENTS = 10


@dataclass(frozen=True, slots=True)
class ThreadDocument:
    """A document that a mail links to, with how its latest reader stands; None where nobody opened it."""

    document: Document
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class ThreadMail:
    """A tracked mail of the thread: its recipients with what is known of each, and the documents it links to."""

    message: Message
    copy: Copy
    recipients: list[tuple[Recipient, RecipientReading]]
    documents: list[ThreadDocument]


@dataclass(frozen=True, slots=True)
class ThreadPerson:
    """Somebody in the thread: what can be done, what they did, what is to do. `key` keeps their menu's id."""

    menu: Menu
    key: str
    rows: list[FeedRow] = field(default_factory=list)
    tasks: list[TaskRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Thread:
    """All that the sidebar shows of one thread; `more` people are in it than are shown."""

    gmail_thread_id: str
    mails: list[ThreadMail]
    people: list[ThreadPerson]
    more: int


def read_thread(session: Session, member: Member, gmail_thread_id: str, addresses: Sequence[str]) -> Thread:
    """Return what is known of a thread of the member's and of `addresses`, their own left out."""
    mails = _read_mails(session, member, gmail_thread_id) if gmail_thread_id else []
    others = _read_others(session, member, addresses)
    if not others:
        others = [Address(row.address, row.name) for mail in mails for row, _reading in mail.recipients]
        others = list({address.key: address for address in others}.values())
    people = [_read_person(session, member, address) for address in others[:MOST_PEOPLE]]
    return Thread(gmail_thread_id, mails, people, max(0, len(others) - MOST_PEOPLE))


def _read_mails(session: Session, member: Member, gmail_thread_id: str) -> list[ThreadMail]:
    chosen = (
        select(Message, Copy)
        .join(Copy, col(Copy.message_id) == Message.id)
        .where(Copy.gmail_thread_id == gmail_thread_id, Message.member_id == member.id)
        .order_by(col(Copy.id).desc())
        .limit(MOST_MAILS)
    )
    found = list(session.exec(chosen))
    copy_ids = [copy.id for _message, copy in found]
    states = read_recipient_states(session, {message.id for message, _copy in found})
    recipients: dict[int, list[tuple[Recipient, RecipientReading]]] = {}
    for row in session.exec(select(Recipient).where(col(Recipient.copy_id).in_(copy_ids)).order_by(col(Recipient.id))):
        recipients.setdefault(row.copy_id, []).append((row, states[row.id]))
    documents = _read_documents(session, copy_ids)
    return [
        ThreadMail(message, copy, recipients.get(copy.id, [])[:MOST_RECIPIENTS], documents.get(copy.id, []))
        for message, copy in found
    ]


def _read_documents(session: Session, copy_ids: Sequence[int]) -> dict[int, list[ThreadDocument]]:
    shares = select(Share.copy_id, Share.id, Document).join(Document, col(Document.id) == Share.document_id)
    shares = shares.where(col(Share.copy_id).in_(copy_ids)).order_by(col(Share.id)).limit(MOST_DOCUMENTS)
    chosen = session.exec(shares).all()
    newest = select(func.max(DocumentVisit.id)).where(col(DocumentVisit.share_id).in_([row[1] for row in chosen]))
    newest = newest.group_by(col(DocumentVisit.share_id))
    visits = session.exec(select(DocumentVisit).where(col(DocumentVisit.id).in_(newest))).all()
    progress = {visit.share_id: make_progress(visit, now()) for visit in visits}
    found: dict[int, list[ThreadDocument]] = {}
    for copy_id, share_id, document in chosen:
        found.setdefault(copy_id or 0, []).append(ThreadDocument(document, progress.get(share_id)))
    return found


def _read_others(session: Session, member: Member, texts: Iterable[str]) -> list[Address]:
    own = {member.email, *session.exec(select(Mailbox.email).where(Mailbox.member_id == member.id))}
    found: dict[str, Address] = {}
    for text in texts:
        with suppress(Refused):  # what Gmail's page shows is not always an address
            found |= {address.key: address for address in read_addresses([text], "addresses")}
    return [address for key, address in found.items() if key not in own]


def _read_person(session: Session, member: Member, address: Address) -> ThreadPerson:
    menu = find_menu(session, member, None, address.address, address.name)
    key = hashlib.sha256(address.key.encode()).hexdigest()[:12]
    if menu.person_id is None:
        return ThreadPerson(menu, key)
    rows = read_timeline(session, member, menu.person_id, None).rows[:MOST_ROWS]
    chosen = Filter(Scope(member.workspace_id, member.id), person_id=menu.person_id)
    return ThreadPerson(menu, key, [present(row) for row in rows], read_tasks(session, chosen, limit=MOST_TASKS))
