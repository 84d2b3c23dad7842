"""Replaying: past events under the current rules and lists, so that everything is as if it had always been so.

In batches, each one transaction that holds the clock of events: a killed run goes on behind its cursors, and a second
run over the same events moves nothing. First come the copies with their events, then the events without a copy.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from server.clock import now
from server.config import Settings, get_settings
from server.errors import Refused
from server.events.context import Subject, load_surroundings
from server.events.models import VerdictReplay
from server.events.moves import Change, apply_changes, recount_counters
from server.events.networks import OWN_NAME, SHIPPED, load_networks
from server.events.numbering import hold_clock
from server.events.rejudge import COLUMNS, COPY, EVENT, find_changes, judge_copies, keep_states, make_happening
from server.events.verdict import EDGE_KINDS, VERSION, Judgement, judge
from server.messages.models import Message

COPIES_AT_ONCE = 200
EVENTS_AT_ONCE = 1000
ALL_EVENTS = 2**31


def start(session: Session, workspace_id: int | None, since: datetime | None, *, is_dry: bool) -> VerdictReplay:
    """Return the run to go on with: an unfinished one of the same aim and rules, else a new one."""
    rules = name_rules(get_settings())
    unfinished = select(VerdictReplay).where(
        col(VerdictReplay.finished_at).is_(None),
        col(VerdictReplay.rules) == rules,
        col(VerdictReplay.is_dry).is_(is_dry),
        col(VerdictReplay.workspace_id) == workspace_id,
        col(VerdictReplay.since) == since,
    )
    run = session.scalars(unfinished.order_by(col(VerdictReplay.id).desc())).first()
    if run is None:
        run = VerdictReplay(workspace_id=workspace_id, since=since, is_dry=is_dry, rules=rules)
        session.add(run)
        session.flush()
    return run


def advance(session: Session, run_id: int) -> bool:
    """Judge the next batch of a run, to be committed; return whether there may be more."""
    hold_clock(session)
    run = session.get(VerdictReplay, run_id, with_for_update=True, populate_existing=True)
    if run is None or run.finished_at is not None:
        return False
    if not (_judge_next_copies(session, run) or _judge_next_events(session, run)):
        run.finished_at = now()
    session.add(run)
    session.flush()
    return run.finished_at is None


def find_last(session: Session) -> VerdictReplay:
    """Return the run that was started last."""
    run = session.scalars(select(VerdictReplay).order_by(col(VerdictReplay.id).desc()).limit(1)).first()
    if run is None:
        raise Refused("No replay was run yet.", status=404)
    return run


def name_rules(settings: Settings) -> str:
    """Return what names the rules in force: their version, and a digest of the list of networks."""
    own = settings.warmline_home / OWN_NAME
    digest = hashlib.sha256((own if own.exists() else SHIPPED).read_bytes()).hexdigest()
    return f"{VERSION}/{digest[:12]}"


def _judge_next_copies(session: Session, run: VerdictReplay) -> bool:
    chosen = select(COPY.c.id).where(COPY.c.id > run.copy_cursor).order_by(COPY.c.id).limit(COPIES_AT_ONCE)
    if run.workspace_id is not None:
        chosen = chosen.join(Message, col(Message.id) == COPY.c.message_id).where(
            col(Message.workspace_id) == run.workspace_id
        )
    if run.since is not None:
        chosen = chosen.where(select(EVENT.c.id).where(EVENT.c.copy_id == COPY.c.id, EVENT.c.at >= run.since).exists())
    copy_ids = list(session.execute(chosen).scalars())
    if not copy_ids:
        return False
    changes, states, events = judge_copies(session, copy_ids, ALL_EVENTS)
    _note(run, events, changes)
    if not run.is_dry:
        apply_changes(session, changes)
        keep_states(session, states)
        recount_counters(session, copy_ids)
    run.copy_cursor = copy_ids[-1]
    return True


def _judge_next_events(session: Session, run: VerdictReplay) -> bool:
    """Judge the next events without a copy; a website's visits, as a rule."""
    chosen = select(*COLUMNS).where(EVENT.c.id > run.event_cursor, EVENT.c.copy_id.is_(None))
    chosen = chosen.where(EVENT.c.kind.in_(EDGE_KINDS)).order_by(EVENT.c.id).limit(EVENTS_AT_ONCE)
    if run.workspace_id is not None:
        chosen = chosen.where(EVENT.c.workspace_id == run.workspace_id)
    if run.since is not None:
        chosen = chosen.where(EVENT.c.at >= run.since)
    rows = [dict(row) for row in session.execute(chosen).mappings().all()]
    if not rows:
        return False
    changes = _judge_alone(session, rows)
    _note(run, len(rows), changes)
    if not run.is_dry:
        apply_changes(session, changes)
    run.event_cursor = rows[-1]["id"]
    return True


def _judge_alone(session: Session, rows: Sequence[dict[str, object]]) -> list[Change]:
    networks = load_networks(get_settings().warmline_home)
    subjects = [Subject(row["at"], row["evidence"], row["workspace_id"], row["member_id"]) for row in rows]  # type: ignore[arg-type]
    surroundings = load_surroundings(session, subjects)
    happenings = [
        make_happening(dict(row), surroundings.tell(subject)) for row, subject in zip(rows, subjects, strict=True)
    ]
    judgements: list[Judgement] = [one.stands or judge(one.evidence, networks) for one in happenings]
    return find_changes([dict(row) for row in rows], judgements)


def _note(run: VerdictReplay, events: int, changes: Iterable[Change]) -> None:
    """Add a batch to the run's report."""
    moves = {workspace: Counter(counts) for workspace, counts in run.moves.items()}
    for change in changes:
        if change.moves_counts:
            moves.setdefault(str(change.row["workspace_id"]), Counter())[change.words] += 1
            run.moved += 1
    run.moves = {workspace: dict(counts) for workspace, counts in moves.items()}
    run.events += events
