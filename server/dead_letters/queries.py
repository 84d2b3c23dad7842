"""Reads for the page of what was set aside."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from server.gmail.models import Mailbox, QuarantinedMail

LIMIT = 100


def list_troubled_mailboxes(session: Session, workspace_id: int, limit: int = LIMIT) -> Sequence[Any]:
    """Return (address, mails that could not be read) of a workspace's mailboxes, those with most first."""
    count = func.count(col(QuarantinedMail.id))
    rows = select(Mailbox.email, count).join(QuarantinedMail, col(QuarantinedMail.mailbox_id) == Mailbox.id)
    rows = rows.where(Mailbox.workspace_id == workspace_id).group_by(col(Mailbox.id), Mailbox.email)
    return session.exec(rows.order_by(count.desc(), col(Mailbox.email)).limit(limit)).all()
