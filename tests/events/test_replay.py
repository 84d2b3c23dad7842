"""Replaying past events: resumable, idempotent, dry on demand, and with a report of what moved and why."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update
from sqlmodel import Session, col, select

from server.events import replay
from server.events.cli import verdicts
from server.events.models import Event, EventKind, VerdictReplay
from server.events.networks import SHIPPED, BadNetworks, load_networks, read_networks
from server.events.record import Fact, record
from server.messages.models import Copy
from tests.factories import make_copy, make_mailbox, make_member

SENT_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
HEAD = "cidr,name,role,certainty,source,taken_on\n"
MINE = HEAD + "3.120.0.0/16,Cloud Scanner,scanner,certain,our own logs,2026-11-01\n"


@pytest.fixture
def copies(session: Session) -> list[Copy]:
    """Five copies of one member, each clicked once from a cloud, as version 1 would have believed it."""
    mailbox = make_mailbox(session, make_member(session))
    copies = [make_copy(session, mailbox, sent_at=SENT_AT) for _ in range(5)]
    evidence = {"agent": CHROME, "ip": "3.120.5.6", "headers": {"accept-language": "en"}}
    record(session, [
        Fact(EventKind.CLICKED, SENT_AT + timedelta(hours=1), f"c{copy.id}", copy.id, link_target="https://a.example",
             evidence=dict(evidence))
        for copy in copies
    ])  # fmt: skip
    session.commit()
    return copies


def put_own_list(app: Flask, text: str = MINE) -> Path:
    path: Path = app.config["SETTINGS"].warmline_home / "networks.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run(session: Session, *, is_dry: bool = False, since: datetime | None = None) -> VerdictReplay:
    started = replay.start(session, None, since, is_dry=is_dry)
    while replay.advance(session, started.id):
        session.commit()
    session.commit()
    return started


def look(session: Session) -> list[tuple[str, int]]:
    session.expire_all()
    verdicts = session.exec(select(Event.verdict).order_by(col(Event.id))).all()
    clicks = session.exec(select(Copy.clicks).order_by(col(Copy.id))).all()
    return list(zip(verdicts, clicks, strict=True))


def test_another_list_moves_what_was_believed_and_counted(app: Flask, session: Session, copies: list[Copy]) -> None:
    assert look(session) == [("human", 1)] * 5
    put_own_list(app)
    told = run(session, is_dry=True)
    assert (told.moved, told.events) == (5, 5)
    assert look(session) == [("human", 1)] * 5
    told = run(session)
    assert list(told.moves.values()) == [{"human→machine: scanner_network": 5}]
    assert look(session) == [("machine", 0)] * 5
    again = run(session)
    assert (again.id != told.id, again.moved, again.events) == (True, 0, 5)


def test_a_killed_replay_goes_on_where_it_stood(
    app: Flask, session: Session, copies: list[Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_own_list(app)
    monkeypatch.setattr(replay, "COPIES_AT_ONCE", 2)
    first = replay.start(session, None, None, is_dry=False)
    assert replay.advance(session, first.id)
    session.commit()
    replay.advance(session, first.id)
    session.rollback()  # killed in the second batch
    assert [verdict for verdict, _clicks in look(session)].count("machine") == 2
    told = run(session)
    assert (told.id, told.events, told.moved) == (first.id, 5, 5)
    assert look(session) == [("machine", 0)] * 5


def test_a_replay_repairs_counters_and_leaves_what_was_forgotten(session: Session, copies: list[Copy]) -> None:
    session.execute(update(Copy).values(clicks=7, views=3))
    forgotten = session.exec(select(Event).order_by(col(Event.id))).first()
    assert forgotten is not None
    forgotten.evidence, forgotten.verdict, forgotten.is_shown = {"forgotten": True}, "machine", False
    session.add(forgotten)
    session.commit()
    run(session)
    assert look(session) == [("machine", 0), *[("human", 1)] * 4]


def test_a_replay_since_a_day_leaves_what_was_before(app: Flask, session: Session, copies: list[Copy]) -> None:
    put_own_list(app)
    assert run(session, since=SENT_AT + timedelta(days=1)).events == 0
    assert run(session, since=SENT_AT).events == 5


def test_the_command_says_what_moved(app: Flask, session: Session, copies: list[Copy]) -> None:
    put_own_list(app)
    runner = app.test_cli_runner()
    said = runner.invoke(verdicts, ["replay"])
    assert said.exit_code == 0, said.output
    assert "5 events judged, 5 moved (finished)" in said.output
    assert "5  human→machine: scanner_network" in runner.invoke(verdicts, ["report"]).output
    assert runner.invoke(verdicts, ["replay", "--workspace", "999"]).exit_code == 1


def test_there_is_no_report_before_a_replay(app: Flask) -> None:
    assert "No replay was run yet" in app.test_cli_runner().invoke(verdicts, ["report"]).output


def test_an_own_list_is_checked_and_takes_the_place_of_ours(app: Flask, tmp_path: Path) -> None:
    home = app.config["SETTINGS"].warmline_home
    runner = app.test_cli_runner()
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text(HEAD + "3.120.0.0/16,Cloud,scanner,perhaps,us,2026-11-01\n")
    assert "line 2" in runner.invoke(verdicts, ["networks", str(bad)]).output
    assert load_networks(home).find("3.120.5.6") is None
    good.write_text(MINE)
    assert runner.invoke(verdicts, ["networks", str(good)]).exit_code == 0
    owner = load_networks(home).find("3.120.5.6")
    assert owner is not None
    assert (owner.name, owner.is_certain, load_networks(home).find("40.107.1.1")) == ("Cloud Scanner", True, None)


@pytest.mark.parametrize(
    "text",
    [
        "", "cidr,name\n", HEAD, HEAD + "1.2.3.4/24,A,scanner,certain,x,2026-01-01\n",
        HEAD + "0.0.0.0/0,A,scanner,certain,x,2026-01-01\n", HEAD + "8.8.8.0/24,A,scanner,certain,x,yesterday\n",
        HEAD + "8.8.8.0/24,A,scanner,certain,,2026-01-01\n", HEAD + "8.8.8.0/24,A,king,certain,x,2026-01-01\n",
        HEAD + "8.8.8.0/24,A:B,scanner,certain,x,2026-01-01\n", HEAD + "8.8.8.0/24,A,scanner,certain,x\n",
        HEAD + "8.8.8.0/24,A,scanner,certain,x,2026-01-01,more\n",
    ],
)  # fmt: skip
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "networks.csv"
    path.write_text(text)
    with pytest.raises(BadNetworks):
        read_networks(path)


def test_our_own_list_is_well_formed_and_the_narrowest_range_answers() -> None:
    networks = read_networks(SHIPPED)
    owner = networks.find("40.107.1.1")
    assert owner is not None
    assert (owner.name, owner.role) == ("Microsoft Defender", "scanner")
    assert networks.find("81.2.69.142") is None
