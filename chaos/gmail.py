"""The stand-in that plays Gmail: its faults, a member with a mailbox there, mail from them, and what it accepted."""

from datetime import timedelta
from typing import Any

import requests
from sqlalchemy import update
from sqlmodel import Session, col

from server.accounts.models import Member, Workspace
from server.clock import now
from server.config import Settings
from server.db import get_db
from server.gmail.mailboxes import find_mailbox, link
from server.messages.compose import MAX_RECIPIENTS, Draft, compose
from server.messages.models import Copy, CopyState
from server.messages.render import COPY_HEADER
from server.sandbox.cast import DEMO_MEMBER
from server.sandbox.demo import fetch_grant

FAULTS = (("drop_after", 0.05), ("drop_before", 0.05), ("503", 0.10), ("429", 0.05))
CALLS = "/gmail/v1/"
LONGEST_BACK_OFF = timedelta(seconds=10)
HTML = '<p>Dear reader,</p><p><a href="https://warmline.example/lunch?a=1&amp;b=2">Lunch</a>?</p>'


def steer(settings: Settings, method: str, path: str, body: object = None) -> Any:
    """Ask the stand-in's own interface, and return its answer."""
    answer = requests.request(method, f"{settings.stand_in_url}/_stand_in/{path}", json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()


def put_faults(settings: Settings, times: float, seed: int) -> None:
    """Let Gmail's answers fail, each fault `times` as often as FAULTS says."""
    rules = [
        {"match": CALLS, "fault": fault, "probability": chance * times, "seed": seed + number}
        for number, (fault, chance) in enumerate(FAULTS)
    ]
    steer(settings, "PUT", "faults", rules)


def end_faults(settings: Settings) -> dict[str, int]:
    """Let every answer come from now on; return how often each fault happened."""
    happened = {rule["fault"]: rule["hits"] for rule in steer(settings, "GET", "faults")}
    steer(settings, "PUT", "faults", [])
    return happened


def count_accepted(settings: Settings) -> dict[str, int]:
    """Return how many mails Gmail accepted, by the mark of the copy."""
    counts: dict[str, int] = steer(settings, "GET", f"accepted?header={COPY_HEADER}")["counts"]
    return counts


def make_linked_member(session: Session, settings: Settings) -> Member:
    """Add a member whose mailbox the stand-in holds."""
    workspace = Workspace(name="Chaos")
    session.add(workspace)
    session.flush()
    member = Member(workspace_id=workspace.id, email=DEMO_MEMBER.email, name="Riley")
    session.add(member)
    session.flush()
    link(session, member, fetch_grant(settings, DEMO_MEMBER.email))
    return member


def compose_to_many(session: Session, member: Member, count: int) -> None:
    """Let the member send to so many people, each a mail of their own."""
    mailbox = find_mailbox(session, member)
    for start in range(0, count, MAX_RECIPIENTS):
        people = [f"Person {n} <person{n}@prospects.example>" for n in range(start, min(start + MAX_RECIPIENTS, count))]
        draft = Draft(to=people, subject=f"Lunch {start}?", html=HTML, individually=True)
        compose(session, member, mailbox, draft)


def bring_tries_forward() -> None:
    """Let what failed be tried again within seconds instead of up to a quarter of an hour."""
    soon = now() + LONGEST_BACK_OFF
    far = (col(Copy.state) == CopyState.QUEUED, col(Copy.attempts) > 0, col(Copy.due_at) > soon)
    with get_db().session() as session:
        session.execute(update(Copy).where(*far).values(due_at=soon))
        session.commit()
