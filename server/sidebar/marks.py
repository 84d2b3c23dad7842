"""How far threads were read, for the marks in Gmail's list: one word for each, of the member's own mail only."""

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlmodel import Session, col

from server.accounts.models import Member
from server.consent.models import Mode
from server.events.reading import ReadingState, state_of
from server.messages.models import Copy, CopyState, Message

MOST_THREADS = 100


def read_marks(session: Session, member: Member, thread_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the surest reading state and the counts of each thread with tracked mail of the member's, in one query.

    A thread whose policy tells of nobody in particular gets no mark.
    """
    figures = [func.sum(column) for column in (Copy.views, Copy.clicks, Copy.replies)]
    chosen = (
        select(col(Copy.gmail_thread_id), func.max(Copy.reading), *figures)
        .join(Message, col(Message.id) == Copy.message_id)
        .where(
            col(Copy.gmail_thread_id).in_(thread_ids),
            col(Copy.state) == CopyState.SENT,
            col(Message.member_id) == member.id,
            col(Message.policy) == Mode.INDIVIDUAL,
            col(Message.track_views) | col(Message.track_clicks),
        )
        .group_by(col(Copy.gmail_thread_id))
    )
    return {
        thread_id: {
            "state": state_of(level), "word": tell_state(state_of(level)),
            "views": int(views), "clicks": int(clicks), "replies": int(replies),
        }
        for thread_id, level, views, clicks, replies in session.execute(chosen)
    }  # fmt: skip


def tell_state(state: ReadingState) -> str:
    """Return a reading state as a word."""
    return {
        ReadingState.NONE: _("Not seen"),
        ReadingState.MACHINE: _("Machines only"),
        ReadingState.PROBABLE: _("Probably read"),
        ReadingState.CONFIRMED: _("Read"),
    }[state]
