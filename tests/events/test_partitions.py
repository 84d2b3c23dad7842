"""Partitions: PostgreSQL gets its months ahead of time, and nothing that is there is touched."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlmodel import Session

from server.events.partitions import MONTHS_AHEAD, add_partitions
from tests.events.test_record import fact
from tests.factories import make_copy, make_mailbox, make_member

NOVEMBER = datetime(2031, 11, 20, tzinfo=UTC)
NAMES = ["event_2031_11", "event_2031_12", "event_2032_01", "event_2032_02"]


def test_months_are_made_ahead_once_and_take_their_rows(session: Session) -> None:
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    assert len(NAMES) == MONTHS_AHEAD + 1
    assert add_partitions(session, NOVEMBER) == (NAMES if is_postgresql else [])
    assert add_partitions(session, NOVEMBER) == []
    copy = make_copy(session, make_mailbox(session, make_member(session)))
    from server.events.record import record

    assert record(session, [fact(copy, "a", at=datetime(2032, 1, 1, tzinfo=UTC)), fact(copy, "b")])
    if is_postgresql:
        assert session.execute(text("SELECT count(*) FROM event_2032_01")).scalar() == 1
        assert session.execute(text("SELECT count(*) FROM event_default")).scalar() == 1
        assert record(session, [fact(copy, "a", at=datetime(2032, 1, 1, tzinfo=UTC))]) == []
        assert "event_2026_05" not in add_partitions(session, datetime(2026, 5, 1, tzinfo=UTC))
    session.rollback()
