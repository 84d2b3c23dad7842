"""What a mail may tell of its readers: the policy of its workspace and mailbox as it is when the mail is written."""

from dataclasses import dataclass

from sqlmodel import Session

from server.consent.models import MailboxPolicy, Mode, Unsubscribing, WorkspacePolicy
from server.gmail.models import Mailbox
from server.messages.models import Message, MessageSource


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
