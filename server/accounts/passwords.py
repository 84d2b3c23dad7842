"""Passwords: which are taken, how they are kept (Argon2id, RFC 9106), and checking one without telling who exists."""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext as _
from sqlmodel import Session

from server.accounts.browser_sessions import end_sessions
from server.accounts.models import Member
from server.errors import Refused
from server.keys import make_token

LENGTHS = (12, 256)
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP Password Storage Cheat Sheet: 19 MiB


def hash_password(password: str, email: str) -> str:
    """Return what is kept of a new password; refuses one that is too short, too long, or the email address."""
    password = _normalise(password)
    least, most = LENGTHS
    if not least <= len(password) <= most:
        message = _("A password has %(least)s to %(most)s characters; this one has %(length)s.",
                    least=least, most=most, length=len(password))  # fmt: skip
        raise Refused(message, field="password")
    if password.casefold() == email.casefold():
        raise Refused(_("Your email address cannot be your password. Choose another one."), field="password")
    return HASHER.hash(password)


def is_password(member: Member | None, password: str) -> bool:
    """Return whether `password` is the member's, after the same work for a member who does not exist."""
    known = member.password_hash if member is not None else None
    try:
        HASHER.verify(known or _nobody(), _normalise(password))
    except (VerificationError, InvalidHashError):
        return False
    return known is not None


def needs_rehash(member: Member) -> bool:
    """Return whether the member's password is kept under older parameters than today's."""
    return member.password_hash is not None and HASHER.check_needs_rehash(member.password_hash)


def rehash(session: Session, member: Member, password: str) -> None:
    """Keep a password, just found right, under today's parameters."""
    member.password_hash = HASHER.hash(_normalise(password))
    session.add(member)
    session.flush()


def set_password(session: Session, member: Member, password: str, keep_session: int | None = None) -> None:
    """Give a member a new password and end their browser sessions, except the one with the id `keep_session`."""
    member.password_hash = hash_password(password, member.email)
    session.add(member)
    session.flush()
    end_sessions(session, member.id, but=keep_session)


def change_password(
    session: Session, member: Member, current: str, password: str, keep_session: int | None = None
) -> None:
    """Replace a member's password; refused unless `current` is right. Whoever came in by Google has none to name."""
    if member.password_hash is not None and not is_password(member, current):
        raise Refused(_("That is not your current password."), field="current")
    set_password(session, member, password, keep_session)


def _normalise(password: str) -> str:
    return unicodedata.normalize("NFKC", password)  # one password on every keyboard (NIST SP 800-63B, 5.1.1.2)


@cache
def _nobody() -> str:
    return HASHER.hash(make_token())
