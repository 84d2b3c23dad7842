"""The one clock: every time in Warmline is an aware UTC datetime taken here."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def from_epoch_ms(milliseconds: int) -> datetime:
    """Return the aware UTC time of `milliseconds` since the Unix epoch."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
