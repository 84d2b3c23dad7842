"""The lock of one mailbox: a lease in its row that ends by itself, and a fencing number that tells a late holder so."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, or_, update
from sqlmodel import Session, col

from server.clock import now
from server.gmail.models import Mailbox, MailboxState

LEASE_SECONDS = 20


class LeaseLost(Exception):
    """Somebody else holds the mailbox by now, or it is no longer linked: what was not committed must be dropped."""


@dataclass(slots=True)
class Lease:
    """A claim on a mailbox; `wanted_at` is the wish that this sync is to fulfil."""

    mailbox: Mailbox
    fence: int
    wanted_at: datetime | None
    held_at: float = field(default_factory=time.monotonic)

    def is_aging(self) -> bool:
        """Return whether it is time to hold the lease anew."""
        return time.monotonic() - self.held_at > LEASE_SECONDS / 4


def claim(session: Session, mailbox_id: int) -> Lease | None:
    """Claim the mailbox for `LEASE_SECONDS`; None when it is not linked, paused, or
    somebody else holds it."""
    at = now()
    claimed = _change(
        session,
        update(Mailbox).where(
            col(Mailbox.id) == mailbox_id,
            col(Mailbox.state) == MailboxState.LINKED,
            col(Mailbox.is_paused).is_(False),
            or_(col(Mailbox.lease_until).is_(None), col(Mailbox.lease_until) < at),
        ),
        lease_until=at + timedelta(seconds=LEASE_SECONDS),
        fence=Mailbox.fence + 1,
    )
    mailbox = session.get(Mailbox, mailbox_id, populate_existing=True) if claimed else None
    return Lease(mailbox, mailbox.fence, mailbox.sync_wanted_at) if mailbox else None


def hold(session: Session, lease: Lease, **values: Any) -> None:
    """Renew the lease and set `values` on the row, or raise `LeaseLost`."""
    _set(session, lease, lease_until=now() + timedelta(seconds=LEASE_SECONDS), **values)
    lease.held_at = time.monotonic()


def release(session: Session, lease: Lease, **values: Any) -> None:
    """Give the mailbox back and set `values` on the row, or raise `LeaseLost`."""
    _set(session, lease, lease_until=None, **values)


def want_next(session: Session, lease: Lease, at: datetime | None) -> bool:
    """Set the next sync to `at` unless somebody asked for one meanwhile; return whether nobody did."""
    unchanged = col(Mailbox.sync_wanted_at).is_not_distinct_from(lease.wanted_at)
    return _change(session, update(Mailbox).where(col(Mailbox.id) == lease.mailbox.id, unchanged), sync_wanted_at=at)


def _set(session: Session, lease: Lease, **values: Any) -> None:
    held = update(Mailbox).where(
        col(Mailbox.id) == lease.mailbox.id,
        col(Mailbox.fence) == lease.fence,
        col(Mailbox.state) == MailboxState.LINKED,
        col(Mailbox.is_paused).is_(False),
    )
    if not _change(session, held, **values):
        raise LeaseLost


def _change(session: Session, statement: Any, **values: Any) -> bool:
    done = session.execute(statement.values(**values).execution_options(synchronize_session=False))
    return isinstance(done, CursorResult) and done.rowcount == 1
