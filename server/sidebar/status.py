"""All that the extension must know to work: whose it is, what is connected, what is its own, what is unread."""

from typing import Any

from sqlmodel import Session, col, select

from server.accounts.models import AccessToken, Member, Workspace
from server.accounts.scope import Scope
from server.clock import now
from server.config import Settings
from server.feed.preferences import read_switches, tell_clock
from server.feed.switches import Switches
from server.feed.unread import count_unread
from server.gmail.models import Mailbox, MailboxState
from server.sidebar.preferences import shows_marks
from server.sidebar.versions import MINIMUM_EXTENSION, SERVER_VERSION

OWN_KINDS = ("o", "c", "d")  # pixels, links, documents


def read_status(
    session: Session, settings: Settings, member: Member, token_id: int | None, locale: str
) -> dict[str, Any]:
    """Return what docs/extension-api.md calls the status, for the device whose token has the id `token_id`."""
    device = session.get(AccessToken, token_id) if token_id is not None else None
    workspace = session.get_one(Workspace, member.workspace_id)
    switches = read_switches(session, member.id)
    unread = count_unread(session, Scope(member.workspace_id, member.id))
    return {
        "server": _tell_server(settings),
        "member": {
            "id": member.id, "name": member.name, "email": member.email, "locale": locale,
            "time_zone": member.time_zone or workspace.time_zone,
        },
        "workspace": {"name": workspace.name},
        "device": {"id": device.id, "name": device.name} if device else None,
        "mailboxes": _tell_mailboxes(session, member),
        "own_pixels": [f"{settings.edge_base_url}/o/{member.sender_key}/"],
        "own_paths": [f"{settings.edge_base_url}/{kind}/" for kind in OWN_KINDS],
        "notifications": _tell_switches(switches or Switches(member.id, workspace.time_zone)),
        "marks": shows_marks(session, member.id),
        "unread": {"count": unread.count, "is_more": unread.is_more, "last_id": unread.last_id},
    }  # fmt: skip


def _tell_server(settings: Settings) -> dict[str, str]:
    return {
        "version": SERVER_VERSION,
        "minimum_extension": MINIMUM_EXTENSION,
        "base_url": settings.base_url,
        "edge_url": settings.edge_base_url,
        "stream_url": settings.stream_base_url,
    }


def _tell_mailboxes(session: Session, member: Member) -> list[dict[str, Any]]:
    used = select(Mailbox).where(Mailbox.member_id == member.id, Mailbox.state != MailboxState.DISCONNECTED)
    return [
        {"id": row.id, "email": row.email, "state": row.state, "track": row.tracks_by_default}
        for row in session.exec(used.order_by(col(Mailbox.id)))
    ]


def _tell_switches(switches: Switches) -> dict[str, Any]:
    return {
        "kinds": sorted(switches.kinds),
        "first_view_only": switches.first_view_only,
        "reminders": switches.reminders,
        "quiet_from": tell_clock(switches.quiet_from) or None,
        "quiet_until": tell_clock(switches.quiet_until) or None,
        "is_quiet_now": switches.is_quiet(now()),
    }
