"""The end of a token that can be foreseen: while an OAuth app is in “Testing”, Google lets its tokens live 7 days.

Source: developers.google.com/identity/protocols/oauth2#expiration. Google does not say which status an app has: the
operator does (GOOGLE_APP_STATUS), or earlier deaths at that age tell it.
"""

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from server import queue
from server.clock import now
from server.config import get_settings
from server.gmail.models import Mailbox, MailboxState

TESTING_LIFE = timedelta(days=7)
WARNED_AFTER = timedelta(days=5)
BLUR = timedelta(hours=12)  # how late a death may be noticed

is_in_use = (col(Mailbox.state) == MailboxState.LINKED) & col(Mailbox.is_paused).is_(False)


def is_testing(session: Session) -> bool:
    """Return whether the installation's OAuth app is in testing, as far as can be known.

    Without the operator's word: where a token died at that age, and none in use is older.
    """
    status = get_settings().google_app_status
    if status:
        return status == "testing"
    shortest, longest = (int((TESTING_LIFE + blur).total_seconds()) for blur in (-BLUR, BLUR))
    died = select(Mailbox.id).where(col(Mailbox.token_seconds).between(shortest, longest)).limit(1)
    if session.exec(died).first() is None:
        return False
    older = col(Mailbox.granted_at) < now() - TESTING_LIFE - BLUR
    return session.exec(select(Mailbox.id).where(is_in_use, older).limit(1)).first() is None


def find_end(session: Session, mailbox: Mailbox) -> datetime | None:
    """Return when Google will end the access to `mailbox`, where that is near; None where it is not, or not known."""
    if mailbox.granted_at is None or mailbox.state != MailboxState.LINKED:
        return None
    is_near = now() - mailbox.granted_at >= WARNED_AFTER
    return mailbox.granted_at + TESTING_LIFE if is_near and is_testing(session) else None


def find_unwarned(session: Session) -> list[int]:
    """Return the ids of the mailboxes whose members are still to be warned of the end of their access."""
    is_near = col(Mailbox.granted_at) <= now() - WARNED_AFTER
    ids = list(session.exec(select(Mailbox.id).where(is_in_use, is_near, col(Mailbox.warned_at).is_(None))))
    return ids if ids and is_testing(session) else []


def warn(session: Session, mailbox_ids: list[int]) -> None:
    """Tell the members of these mailboxes, once each, that their access is about to end."""
    unwarned = update(Mailbox).where(col(Mailbox.id).in_(mailbox_ids), col(Mailbox.warned_at).is_(None))
    told = session.execute(
        unwarned.values(warned_at=now()).returning(col(Mailbox.id), col(Mailbox.member_id), col(Mailbox.email)),
        execution_options={"synchronize_session": False},
    )
    for mailbox_id, member_id, email in told.all():
        queue.announce(session, "mailbox", member_id=member_id, id=mailbox_id)
        queue.announce(session, "mailbox_ending", member_id=member_id, id=mailbox_id, name=email)
