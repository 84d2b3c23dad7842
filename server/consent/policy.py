"""What a mail may tell of its readers: the policy of its workspace and mailbox as it is when the mail is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from server.clock import now
from server.consent.models import MailboxPolicy, Mode, Unsubscribing, WorkspacePolicy
from server.errors import Refused
from server.gmail.models import Mailbox, MailboxState
from server.messages.models import Message, MessageSource

MOST_DAYS = 1095
Kind = TypeVar("Kind", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for the mail of one mailbox."""

    mode: Mode
    pixels_need_consent: bool
    has_notice: bool
    unsubscribing: Unsubscribing


def find_policy(session: Session, workspace_id: int) -> WorkspacePolicy:
    """Return a workspace's policy; a new, unsaved one where its admins have decided nothing."""
    return session.get(WorkspacePolicy, workspace_id) or WorkspacePolicy(workspace_id=workspace_id)


def policy_for(session: Session, mailbox: Mailbox) -> Policy:
    """Return what holds for mail sent from `mailbox`."""
    of_workspace, of_mailbox = find_policy(session, mailbox.workspace_id), session.get(MailboxPolicy, mailbox.id)
    return Policy(
        mode=Mode(of_mailbox.mode if of_mailbox else of_workspace.mode),
        pixels_need_consent=of_workspace.pixels_need_consent,
        has_notice=of_workspace.has_notice,
        unsubscribing=Unsubscribing(of_workspace.unsubscribing),
    )


def apply_policy(message: Message, policy: Policy) -> None:
    """Let a new message keep what holds while it is written; a sample is neither tracked nor counted."""
    is_sample = message.source == MessageSource.SAMPLE
    is_quiet = is_sample or policy.mode == Mode.OFF
    message.policy = policy.mode
    message.track_views = message.track_views and not is_quiet
    message.track_clicks = message.track_clicks and not is_quiet
    message.has_notice = policy.has_notice and message.is_trackable
    is_campaign = message.source == MessageSource.CAMPAIGN
    message.has_unsubscribe = not is_sample and (is_campaign or policy.unsubscribing == Unsubscribing.ALWAYS)


def change_policy(session: Session, workspace_id: int, wanted: Mapping[str, str]) -> WorkspacePolicy:
    """Set a workspace's policy from the fields of its form; mail already written keeps what held for it."""
    row = find_policy(session, workspace_id)
    row.mode = _read(Mode, wanted.get("mode", ""), "mode")
    row.unsubscribing = _read(Unsubscribing, wanted.get("unsubscribing", ""), "unsubscribing")
    row.pixels_need_consent = "pixels_need_consent" in wanted
    row.has_notice = "has_notice" in wanted
    days = wanted.get("retention_days", "").strip()
    if not days.isdecimal() or len(days) > 4 or not 1 <= int(days) <= MOST_DAYS:
        raise Refused(_("Keep them for 1 to %(most)s days.", most=MOST_DAYS), field="retention_days")
    row.retention_days, row.changed_at = int(days), now()
    session.add(row)
    session.flush()
    return row


def state_policy(session: Session, workspace_id: int, reaches_europe: bool) -> None:
    """Give a new workspace the policy that fits where its readers are (docs/privacy.md says why)."""
    session.add(WorkspacePolicy(workspace_id=workspace_id, pixels_need_consent=reaches_europe))
    session.flush()


def change_mailbox_mode(session: Session, mailbox: Mailbox, mode: str) -> None:
    """Let a mailbox have a mode of its own, or with "" that of its workspace."""
    row = session.get(MailboxPolicy, mailbox.id)
    if mode == "":
        if row is not None:
            session.delete(row)
    else:
        row = row or MailboxPolicy(mailbox_id=mailbox.id, mode=Mode.INDIVIDUAL)
        row.mode = _read(Mode, mode, "mode")
        session.add(row)
    session.flush()


def list_mailboxes(session: Session, workspace_id: int) -> list[tuple[Mailbox, str]]:
    """Return a workspace's mailboxes that are in use, each with its own mode, "" where it has none."""
    chosen = (
        select(Mailbox, MailboxPolicy.mode)
        .join(MailboxPolicy, col(MailboxPolicy.mailbox_id) == Mailbox.id, isouter=True)
        .where(Mailbox.workspace_id == workspace_id, Mailbox.state != MailboxState.DISCONNECTED)
    )
    return [(mailbox, mode or "") for mailbox, mode in session.exec(chosen.order_by(col(Mailbox.email)))]


def _read(kind: type[Kind], text: str, field: str) -> Kind:
    try:
        return kind(text)
    except ValueError as error:
        raise Refused(_("Choose one of the list."), field=field) from error
