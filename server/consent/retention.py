"""Forgetting after some days what was kept for a verdict's sake: IP address, program, headers, device.

The verdict, its reasons and the place stay. Batches by ascending id, because ids follow the order of recording; how far
a workspace's events are forgotten stands in its policy.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, bindparam, or_, select, update
from sqlmodel import Session, col

from server import queue
from server.accounts.models import Workspace
from server.clock import now
from server.consent.policy import find_policy
from server.documents.viewer.models import DocumentVisit
from server.events.models import Event
from server.events.verdict import FORGOTTEN

BATCH = 500
BATCHES_A_JOB = 40  # then other work of the queue has its turn
FORGOTTEN_KEYS = ("ip", "agent", "headers", "device")
SECONDS_A_DAY = 86_400
EVENT: Table = Event.__table__  # type: ignore[attr-defined]


def list_workspaces(session: Session) -> list[int]:
    """Return the ids of all workspaces."""
    return list(session.execute(select(col(Workspace.id)).order_by(col(Workspace.id))).scalars())


def run(session: Session, workspace_id: int) -> Iterator[None]:
    """Forget some batches of a workspace, and go on in another job where there is more; yields to be committed."""
    for _turn in range(BATCHES_A_JOB):
        if not forget_batch(session, workspace_id):
            forget_devices(session, workspace_id)
            yield
            return
        yield
    queue.wake(session, "forget_evidence", workspace_id)
    yield


def forget_batch(session: Session, workspace_id: int) -> bool:
    """Forget what is old enough in the next events of a workspace; return whether there may be more."""
    policy = find_policy(session, workspace_id)
    before = now() - timedelta(days=policy.retention_days)
    chosen = select(EVENT.c.id, EVENT.c.at, EVENT.c.evidence).where(
        EVENT.c.id > policy.forgotten_event_id, EVENT.c.workspace_id == workspace_id, EVENT.c.recorded_at < before
    )
    rows = session.execute(chosen.order_by(EVENT.c.id).limit(BATCH)).all()
    _forget_events(session, rows)
    if rows:
        policy.forgotten_event_id = rows[-1].id
        session.add(policy)
        session.flush()
    return len(rows) == BATCH


def _forget_events(session: Session, rows: Any) -> None:
    known = [
        {"which": row.id, "when": row.at, "evidence": _strip(row.evidence)}
        for row in rows
        if any(row.evidence.get(key) for key in FORGOTTEN_KEYS)
    ]
    if known:
        which = (EVENT.c.id == bindparam("which"), EVENT.c.at == bindparam("when", type_=EVENT.c.at.type))
        session.connection().execute(
            update(EVENT).where(*which).values(evidence=bindparam("evidence", type_=EVENT.c.evidence.type)), known
        )


def _strip(evidence: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in evidence.items() if key not in FORGOTTEN_KEYS} | {FORGOTTEN: True}


def forget_devices(session: Session, workspace_id: int) -> None:
    """Forget the devices of old document visits."""
    before = now() - timedelta(days=find_policy(session, workspace_id).retention_days)
    visits = update(DocumentVisit).where(
        col(DocumentVisit.workspace_id) == workspace_id, col(DocumentVisit.last_at) < before,
        or_(col(DocumentVisit.device) != "", col(DocumentVisit.device_key) != ""),
    )  # fmt: skip
    session.execute(visits.values(device="", device_key=""), execution_options={"synchronize_session": False})


def sweep_aside(session: Session, folder: Path) -> None:
    """Delete records of the journal that were kept aside for longer than any workspace keeps such data."""
    longest = max((find_policy(session, one).retention_days for one in list_workspaces(session)), default=90)
    oldest = time.time() - longest * SECONDS_A_DAY
    for path in folder.glob("*"):
        if path.is_file() and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
