"""The campaigns that sent the mails of rows, for `campaign:` searches; one query for a page or batch of rows."""

from typing import Any

from sqlalchemy import Table, select
from sqlmodel import Session

from server.campaigns.models import Campaign
from server.feed.queries import EventRow, read_after
from server.messages.models import Message

CAMPAIGN: Table = Campaign.__table__  # type: ignore[attr-defined]
MESSAGE: Table = Message.__table__  # type: ignore[attr-defined]


def name_campaigns(session: Session, rows: list[EventRow]) -> list[EventRow]:
    """Return `rows` with the name of the campaign that sent each one's mail; marketing names its own in `details`."""
    ids = {row.message_id for row in rows if row.message_id is not None}
    if not ids:
        return rows
    chosen = select(MESSAGE.c.id, CAMPAIGN.c.name).join(CAMPAIGN, CAMPAIGN.c.id == MESSAGE.c.campaign_id)
    names = {message_id: name for message_id, name in session.execute(chosen.where(MESSAGE.c.id.in_(ids)))}
    return [row._replace(campaign=names[row.message_id]) if row.message_id in names else row for row in rows]


def read_named_after(session: Session, *arguments: Any, **options: Any) -> list[EventRow]:
    """Return what `read_after` does, with the campaigns' names."""
    return name_campaigns(session, read_after(session, *arguments, **options))
