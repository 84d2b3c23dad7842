"""What a recipient's page shows: who sent the mail, what its policy collects, and what is known of this reader."""

from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import select as select_columns
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from server.accounts.models import Member, Workspace
from server.consent.models import Answer, Mode
from server.consent.policy import find_policy
from server.consent.silence import find_choices
from server.consent.suppression import find_suppressed
from server.events.models import Event, EventKind
from server.gmail.models import Mailbox
from server.messages.models import Copy, Message, Recipient, Silence

EVENTS_SHOWN = 100
TOLD_KINDS = (
    EventKind.VIEWED, EventKind.CLICKED, EventKind.REPLIED, EventKind.AUTO_REPLIED, EventKind.BOUNCED,
    EventKind.DOCUMENT_OPENED, EventKind.PAGE_READ, EventKind.DOWNLOADED, EventKind.WEB_VISITED,
)  # fmt: skip

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Told:
    """One event in the recipient's own terms."""

    kind: str
    at: datetime
    subject: str
    place_city: str | None
    place_country: str | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Sight:
    """What a sender sees of the recipient of one copy; of one that several share, only what somebody of them did."""

    workspace_id: int
    sender: str
    team: str
    sender_address: str
    subject: str
    sent_at: datetime | None
    mode: str
    has_views: bool
    has_clicks: bool
    retention_days: int
    is_shared: bool
    address: str = ""
    choice: Answer | None = None
    is_suppressed: bool = False
    events: list[Told] = field(default_factory=list)


def find_sight(session: Session, tracking_id: str) -> Sight | None:
    """Return what the recipient of the copy may see, None where the copy is gone or the database cannot be read."""
    try:
        return _find(session, tracking_id)
    except SQLAlchemyError as error:
        log.warning("a recipient's page is shown without its data", error=type(error).__name__)
        return None


def _find(session: Session, tracking_id: str) -> Sight | None:
    found = session.execute(
        select_columns(Copy, Message, Member, Workspace, Mailbox)
        .join(Message, col(Message.id) == col(Copy.message_id))
        .join(Member, col(Member.id) == col(Message.member_id))
        .join(Workspace, col(Workspace.id) == col(Message.workspace_id))
        .join(Mailbox, col(Mailbox.id) == col(Copy.mailbox_id))
        .where(col(Copy.tracking_id) == tracking_id)
    ).first()
    if found is None:
        return None
    copy, message, member, workspace, mailbox = found
    recipients = list(session.exec(select(Recipient).where(Recipient.copy_id == copy.id)))
    only = recipients[0] if len(recipients) == 1 else None
    address = only.address.lower() if only else ""
    return Sight(
        workspace_id=workspace.id, sender=member.name or mailbox.email, team=workspace.name,
        sender_address=mailbox.email, subject=copy.subject or message.subject, sent_at=copy.sent_at,
        mode=message.policy, has_views=message.track_views and copy.silence == Silence.NONE,
        has_clicks=message.track_clicks and copy.silence != Silence.ALL,
        retention_days=find_policy(session, workspace.id).retention_days,
        is_shared=len(recipients) > 1, address=mask(address),
        choice=find_choices(session, workspace.id, {address}).get(address) if address else None,
        is_suppressed=bool(address and find_suppressed(session, workspace.id, {address})),
        events=_read_events(session, message, copy, only),
    )  # fmt: skip


def _read_events(session: Session, message: Message, copy: Copy, only: Recipient | None) -> list[Told]:
    is_erased = only is not None and not only.address
    if message.policy != Mode.INDIVIDUAL or is_erased:
        return []
    chosen = select_columns(
        col(Event.kind), col(Event.at), col(Event.subject), col(Event.place_city), col(Event.place_country),
        col(Event.verdict),
    ).where(col(Event.workspace_id) == message.workspace_id, col(Event.kind).in_(TOLD_KINDS))  # fmt: skip
    is_known = only is not None and only.person_id is not None
    theirs = col(Event.person_id) == only.person_id if is_known and only else col(Event.copy_id) == copy.id
    chosen = chosen.where(theirs).order_by(col(Event.at).desc(), col(Event.id).desc()).limit(EVENTS_SHOWN)
    return [Told(*row) for row in session.execute(chosen)]


def mask(address: str) -> str:
    """Return an address as its owner knows it again and nobody else learns it: `k•••@flynnsarcade.com`."""
    local, at, domain = address.partition("@")
    return f"{local[:1]}•••{at}{domain}" if address else ""
