"""The rows of a large workspace as statements that a database fills itself with: the same for the same seed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import SQLModel

DAYS = 360
TASKS_OF_A_DAY = 12
OVERDUE_TASKS = 5
STRANGERS_IN = 20  # one event of so many is marketing engagement of nobody's person
MACHINES_IN = 6
EVIDENCE = json.dumps(
    {"agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "ip": "81.2.69.142"}
).replace(":", "\\:")  # a colon would begin a parameter


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is made; `until` is the time of the last event and the day of the tasks."""

    events: int
    people: int
    members: int
    until: datetime
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a kind of database says what differs."""

    series: str
    time: str
    hexadecimal: str

    def dice(self, salt: int, sides: int, number: str = "i") -> str:
        """Return an expression for a throw of 0 to `sides` - 1 that `number` and `salt` decide (Knuth's hash)."""
        return f"((({number} + {salt} * 7919 + :seed * 104729) * 2654435761 % 4294967296) / 1024 % {sides})"

    def at(self, seconds: str) -> str:
        """Return an expression for the time `seconds` after the Unix epoch, in whole milliseconds."""
        return self.time.format(seconds)


DIALECTS = {
    "sqlite": Dialect(
        "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {0}) SELECT i FROM n)",
        "strftime('%Y-%m-%d %H:%M:%f000', {0}, 'unixepoch')",
        "printf('%08x', {0})",
    ),
    "postgresql": Dialect(
        "(SELECT generate_series(CAST(1 AS bigint), {0}) AS i)",
        "to_timestamp({0})",
        "lpad(to_hex(CAST({0} AS bigint)), 8, '0')",
    ),
}


def make_statements(kind: str, plan: Plan) -> Iterator[str]:
    """Yield what fills the large tables of a `kind` of database, in order; each takes the parameter `seed`."""
    sql = DIALECTS[kind]
    until = int(plan.until.timestamp())
    start = until - DAYS * 86_400
    owner = f"i % {plan.members} + 1"
    yield from _people(sql, plan, owner, sql.at(f"{start}"))
    yield from _mail(sql, plan, owner, sql.at(f"{start}"))
    yield _events(sql, plan, start)
    yield _activity(plan)
    yield f"UPDATE event_clock SET last_event_id = {plan.events}"
    value = f"(1 + {sql.dice(21, 100_000)}) / 1000.0"
    rose_at = sql.at(f"{until} - {sql.dice(22, DAYS * 86_400)}")
    yield _insert(
        sql, "person_score", plan.people,
        person_id="i", model_id="1", owner_id=owner, name="'person ' || i", value=value, rose_at=rose_at,
    )  # fmt: skip
    yield _tasks(sql, plan)


def _insert(sql: Dialect, table: str, count: int, source: str = "", **values: str) -> str:
    """Return the statement that inserts `count` rows: `values` are expressions of `i`, else the models' defaults."""
    for column in SQLModel.metadata.tables[table].columns:
        if column.name not in values and not column.nullable and column.default is not None:
            values[column.name] = _write_default(column.default)
    source = source or sql.series.format(count)
    return f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} FROM {source} s"


def _write_default(default: Any) -> str:
    value = default.arg(None) if default.is_callable else default.arg
    if isinstance(value, bool):
        return "(1 = 1)" if value else "(1 = 0)"
    if isinstance(value, dict | list):
        return f"'{json.dumps(value)}'"
    return str(value) if isinstance(value, int | float) else f"'{value}'"


def _people(sql: Dialect, plan: Plan, owner: str, at: str) -> Iterator[str]:
    yield _insert(
        sql, "person", plan.people,
        id="i", workspace_id="1", owner_id=owner, name="'Person ' || i", sort_name="'person ' || i",
        company=f"'Company ' || {sql.dice(1, 5000)}", created_at=at, updated_at=at,
    )  # fmt: skip
    yield _insert(
        sql, "person_address", plan.people,
        id="i", workspace_id="1", person_id="i", email="'person' || i || '@company.example'",
    )  # fmt: skip

    # What `people.terms.make_terms` makes of these names, companies and addresses.
    terms = (
        "'person ' || i", "i || ' person'", "'company ' || c", "c || ' company'", "'person' || i || '@company.example'",
        "'company.example'",
    )  # fmt: skip
    numbers = " UNION ALL ".join(f"SELECT {number} AS t" for number in range(len(terms)))
    turns = f"SELECT i, t, {sql.dice(1, 5000)} AS c FROM {sql.series.format(plan.people)} n CROSS JOIN ({numbers}) k"
    cases = " ".join(f"WHEN {number} THEN {term}" for number, term in enumerate(terms))
    yield _insert(
        sql, "person_term", plan.people, f"({turns})",
        person_id="i", term=f"CASE t {cases} END", workspace_id="1", owner_id=owner,
    )  # fmt: skip


def _activity(plan: Plan) -> str:
    """Return the statement for everybody's last activity, which recorders would have moved."""
    return f"""INSERT INTO person_activity (person_id, workspace_id, owner_id, last_event_at)
        SELECT person_id, 1, person_id % {plan.members} + 1, max(at) FROM event
        WHERE person_id IS NOT NULL AND is_shown GROUP BY person_id"""


def _mail(sql: Dialect, plan: Plan, owner: str, at: str) -> Iterator[str]:
    """Yield statements for one mail to each person, sent as one copy."""
    parts = (sql.dice(2, 4_000_000), sql.dice(3, 4_000_000), "0", "i")
    tracking_id = " || ".join(sql.hexadecimal.format(part) for part in parts)
    yield _insert(
        sql, "message", plan.people,
        id="i", workspace_id="1", member_id=owner, mailbox_id=owner, subject="'About order ' || i",
        html="'<p>Hello</p>'", created_at=at,
    )  # fmt: skip
    yield _insert(
        sql, "copy", plan.people,
        id="i", message_id="i", mailbox_id=owner, tracking_id=tracking_id, state="'sent'", due_at=at, attempts="1",
        sent_at=at, views="8", clicks="2",
    )  # fmt: skip
    yield _insert(
        sql, "recipient", plan.people,
        id="i", message_id="i", copy_id="i", person_id="i", address="'person' || i || '@company.example'",
        name="'Person ' || i",
    )  # fmt: skip


def _events(sql: Dialect, plan: Plan, start: int) -> str:
    """Return the statement for all events: hit ids ascending and spread as random ones are, times nearly in order."""
    pace = f"{DAYS * 86_400 / plan.events:.6f}"
    at = sql.at(f"{start} + i * {pace} - {sql.dice(14, 3600)} + {sql.dice(15, 1000)} / 1000.0")
    parts = (f"i * {2**32 // (plan.events + 1)}", "i", sql.dice(16, 4_000_000), "0")
    hit_id = " || ".join(sql.hexadecimal.format(part) for part in parts)
    thrown = f"""(SELECT i, {at} AS at, {hit_id} AS hit_id, {sql.dice(11, plan.people)} + 1 AS who,
        {sql.dice(12, STRANGERS_IN)} = 0 AS is_strange, {sql.dice(13, MACHINES_IN)} = 0 AS is_machine,
        CASE {sql.dice(17, 5)} WHEN 0 THEN 'clicked' ELSE 'viewed' END AS kind
        FROM {sql.series.format(plan.events)} n)"""
    known = "CASE WHEN is_strange THEN NULL ELSE who END"
    return _insert(
        sql, "event", plan.events, thrown,
        id="i", at="at", recorded_at="at", hit_id="hit_id", workspace_id="1", kind="kind",
        member_id=f"CASE WHEN is_strange THEN 0 ELSE who % {plan.members} + 1 END",
        verdict="CASE WHEN is_machine THEN 'machine' ELSE 'human' END", is_shown="NOT is_machine",
        confidence="0.8", reasons="""'["browser:Firefox"]'""",
        message_id=known, copy_id=known, recipient_id=known, person_id=known,
        person_name="CASE WHEN is_strange THEN 'Stranger ' ELSE 'Person ' END || who",
        person_address="CASE WHEN is_strange THEN 'stranger' ELSE 'person' END || who || '@company.example'",
        subject="CASE WHEN is_strange THEN 'Newsletter' ELSE 'About order ' || who END",
        content_kind="CASE WHEN is_strange THEN 'marketing' ELSE 'sales' END",
        link_target="CASE WHEN kind = 'clicked' THEN 'https://encom.example/offers/' || who END",
        place_city="'Lyon'", place_country="'FR'", place_source="'ip'", evidence=f"'{EVIDENCE}'",
    )  # fmt: skip


def _tasks(sql: Dialect, plan: Plan) -> str:
    """Return the statement for tasks: each member's of the day, a few that are overdue, and years of other days."""
    noon = int(plan.until.replace(hour=12, minute=0, second=0).timestamp())
    few = TASKS_OF_A_DAY + OVERDUE_TASKS
    count = max(few, plan.people // 5 // plan.members) * plan.members
    turn, is_ahead = f"((i - 1) / {plan.members})", f"{sql.dice(33, 4)} = 0"
    due_at = f"""{noon} + CASE WHEN {turn} < {TASKS_OF_A_DAY} THEN {turn} * 60
        WHEN {turn} < {few} THEN -86400 * (1 + {turn})
        WHEN {is_ahead} THEN 86400 * (8 + {sql.dice(31, 300)}) ELSE -86400 * (1 + {sql.dice(31, 700)}) END"""
    made_at = sql.at(f"{noon} - 86400 * 701")
    member = f"(i - 1) % {plan.members} + 1"
    return _insert(
        sql, "task", count,
        id="i", workspace_id="1", creator_id=member, assignee_id=member, person_id=f"{sql.dice(32, plan.people)} + 1",
        kind="'call'", name="'Call about order ' || i", due_at=sql.at(due_at), created_at=made_at, updated_at=made_at,
        completed_at=f"CASE WHEN {turn} < {few} OR {is_ahead} THEN NULL ELSE {made_at} END",
    )  # fmt: skip
