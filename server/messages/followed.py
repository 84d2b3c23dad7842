"""The mails that a copy goes on from: it continues their thread, so it refers to them and has their subject."""

import re
from collections.abc import Sequence
from email.message import Message as Mail

from sqlmodel import Session

from server.messages.models import Copy

MOST_REFERENCES = 30
ANSWERING = re.compile(r"\A(?:(?:re|aw|sv|antw|rif)\s*:\s*)+", re.IGNORECASE)


def find_followed(session: Session, copy: Copy) -> list[Copy]:
    """Return the copies before `copy` in its thread, the nearest first; none where it begins one."""
    found: list[Copy] = []
    follows_id = copy.follows_id
    while follows_id is not None and len(found) < MOST_REFERENCES:
        earlier = session.get(Copy, follows_id)
        if earlier is None or earlier.mailbox_id != copy.mailbox_id:
            break
        found.append(earlier)
        follows_id = earlier.follows_id
    return found


def answer_subject(subject: str) -> str:
    """Return the subject of a mail that goes on in the thread of `subject`; with another Gmail begins a new thread."""
    return f"Re: {ANSWERING.sub('', subject.strip(), count=1)}"


def add_references(mail: Mail, followed: Sequence[Copy]) -> None:
    """Name the mails that `mail` answers (RFC 5322 §3.6.4), as far as their real Message-IDs are known."""
    known = [copy.rfc822_message_id for copy in reversed(followed) if copy.rfc822_message_id]
    if known:
        mail["In-Reply-To"] = known[-1]
        mail["References"] = " ".join(known)
