"""Which Gmail threads a member's browser was about to show: what fetches their pixels just then is the member (T12)."""

import re
from datetime import timedelta

from flask_babel import gettext as _
from sqlmodel import Session, col, delete

from server.clock import now
from server.events.rejudge import judge_opened
from server.sidebar.answers import Declined
from server.sidebar.models import ThreadOpening

KEPT_DAYS = 90  # verdicts of events are judged anew for as long as evidence may still come
THREAD_ID = re.compile(r"[0-9a-f]{1,32}")  # Gmail's, as its API writes it


def read_thread_id(text: str) -> str:
    """Return Gmail's id of a thread; refuses what is none."""
    if THREAD_ID.fullmatch(text) is None:
        raise Declined("bad_thread", _("This is not the id of a thread in Gmail."), field="gmail_thread_id")
    return text


def note_opening(session: Session, member_id: int, gmail_thread_id: str) -> None:
    """Remember that a browser of the member's is about to show a thread; what was just recorded of it may be theirs."""
    session.add(ThreadOpening(member_id=member_id, gmail_thread_id=read_thread_id(gmail_thread_id)))
    session.flush()
    judge_opened(session, member_id, gmail_thread_id)


def sweep(session: Session) -> None:
    """Forget openings of long ago."""
    session.exec(delete(ThreadOpening).where(col(ThreadOpening.at) < now() - timedelta(days=KEPT_DAYS)))
