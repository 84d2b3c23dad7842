"""What a member set for the extension in all their browsers."""

from sqlmodel import Session

from server.queue import announce
from server.sidebar.models import ExtensionPreference


def shows_marks(session: Session, member_id: int) -> bool:
    """Return whether Gmail's list of threads carries reading-state marks."""
    row = session.get(ExtensionPreference, member_id)
    return row is None or row.shows_marks


def show_marks(session: Session, member_id: int, is_wanted: bool) -> None:
    """Let Gmail's list of threads carry marks, or not."""
    session.merge(ExtensionPreference(member_id=member_id, shows_marks=is_wanted))
    session.flush()
    announce(session, "extension", member_id=member_id, id=member_id)
