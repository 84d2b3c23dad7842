"""Reading mailboxes: history pages and mails a second on one worker, and the quota that a found reply costs.

    .venv/bin/python bench/sync.py [--mailboxes 1,50,500] [--mails 500] [--rounds 3] [--database sqlite]

Google is the stand-in, a process of its own on this machine; one mail in ten is a reply. Each round adds `--mails`
mails, spread over the mailboxes, and reads them with the job's own verb, one mailbox after the other, as one worker
does; then all mailboxes are asked once more, with nothing new in them. Beside it, in the same rounds, the limit: the
same calls by the same client, with nothing done with the answers. Quota units: history.list 2, messages.get 5; Google
allows 15,000 a minute for a mailbox, which is 50 mails a second.
"""

import argparse
import os
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlmodel import Session, func, select

from bench.databases import KINDS, make_database
from bench.figures import Figures, print_table, spread, tell, tell_machine
from bench.peers import run_granian
from server.accounts.models import Member, Workspace
from server.base import create_base_app
from server.campaigns import replies
from server.config import STAND_IN_CLIENT_ID, Settings, load_settings
from server.db import get_db
from server.gmail import history
from server.gmail.access import seal_refresh_token
from server.gmail.client import Gmail
from server.gmail.models import Mailbox
from server.gmail.oauth import MAILBOX_SCOPES
from server.messages import sent
from server.messages.models import Copy, CopyState, InboundMail, Message, Recipient
from server.migrate import upgrade
from server.sandbox.stand_in import accounts, mailbox
from server.sandbox.stand_in.store import Store
from server.valkey import start_valkey

REPLY_IN = 10
UNITS = {"list_history": 2, "get_raw": 5}
GOAL_MAILS_A_SECOND = 50  # what Google lets be read of one mailbox
WORDS = "Thank you for the offer, we will look at it with the team on Thursday and come back to you. "
COLUMNS = {
    "mailboxes": "mailboxes", "mails": "mails a round", "mails_per_second": "mails/s", "lowest": "lowest",
    "highest": "highest", "limit_per_second": "bare client, mails/s", "pages_per_second": "history pages/s",
    "units_per_reply": "quota units a reply", "quiet_per_second": "quiet mailboxes/s", "is_within_goal": "≥ 50 mails/s",
}  # fmt: skip


@dataclass
class Rounds:
    """What the rounds of one case gave."""

    mails: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)
    calls: "Counter[str]" = field(default_factory=Counter)


def main() -> None:
    """Measure all cases and print them."""
    options = _parse()
    rows = []
    tell_machine("sync", ("google-api-python-client", "httplib2"), database=options.database, rounds=options.rounds)
    for mailboxes in map(int, options.mailboxes.split(",")):
        rows.append(tell(_measure(mailboxes, options)))
    print_table(rows, COLUMNS)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Reading mailboxes on one worker.")
    parser.add_argument("--mailboxes", default="1,50,500")
    parser.add_argument("--mails", type=int, default=500, help="of a round, over all mailboxes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=KINDS, default="sqlite")
    parser.add_argument("--port", type=int, default=22_400)
    return parser.parse_args()


def _measure(count: int, options: argparse.Namespace) -> Figures:
    home = Path(tempfile.mkdtemp(prefix="warmline-bench-sync-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        valkey, redis_url = start_valkey(home)
        stack.callback(valkey.wait)
        stack.callback(valkey.terminate)
        url = stack.enter_context(make_database(options.database))
        os.environ |= {
            "WARMLINE_HOME": str(home), "DATABASE_URL": url, "REDIS_URL": redis_url, "PORT": str(options.port),
            "STAND_IN_PORT": str(options.port + 3), "LOG_LEVEL": "error", "GMAIL_NOTIFICATIONS": "poll",
        }  # fmt: skip
        settings = load_settings()
        upgrade(url)
        store = Store(home / "stand-in.sqlite")
        stack.callback(store.close)
        app = create_base_app(settings)
        stack.callback(app.extensions["warmline_db"].dispose)
        stack.enter_context(app.app_context())
        asked = _link(store, count)
        stack.enter_context(run_granian("server.sandbox.stand_in:create_app", settings.stand_in_port, 1))
        rounds = _run_rounds(store, asked, settings, options)
        return _summarise(count, rounds, options, _count_replies())


def _link(store: Store, count: int) -> list[int]:
    """Add the mailboxes on both sides, each with one sent mail to answer, and return their ids."""
    with get_db().session() as session, store.writing() as db:
        workspace = _add(session, Workspace(name="Bench"))
        ids = []
        for number in range(count):
            email = f"rep{number}@warmline.example"
            accounts.add_account(db, email, f"Rep {number}")
            token = accounts.add_refresh_token(db, email, STAND_IN_CLIENT_ID, " ".join(MAILBOX_SCOPES))
            member = _add(session, Member(workspace_id=workspace.id, email=email, name=f"Rep {number}"))
            history_id = mailbox.get_history_id(db, email)
            row = _add(session, Mailbox(workspace_id=workspace.id, member_id=member.id, email=email,
                                        history_id=history_id))  # fmt: skip
            seal_refresh_token(row, token)
            _add_sent(session, row)
            ids.append(row.id)
        session.commit()
    return ids


def _add_sent(session: Session, row: Mailbox) -> None:
    message = _add(session, Message(workspace_id=row.workspace_id, member_id=row.member_id, mailbox_id=row.id,
                                    subject="Offer", html="<p>Hello</p>"))  # fmt: skip
    copy = _add(session, Copy(message_id=message.id, mailbox_id=row.id, tracking_id=secrets.token_hex(16),
                              state=CopyState.SENT, rfc822_message_id=f"<offer-{row.id}@mail.gmail.com>"))  # fmt: skip
    _add(session, Recipient(message_id=message.id, copy_id=copy.id, address="kevinf@flynnsarcade.example"))


def _add(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


def _run_rounds(store: Store, ids: list[int], settings: Settings, options: argparse.Namespace) -> Rounds:
    rounds = Rounds()
    _fill(store, len(ids), len(ids))
    _sync_all(ids)  # to warm up: from now on each mailbox has its access token
    for _ in range(options.rounds):
        _fill(store, len(ids), options.mails)
        rounds.limit.append(options.mails / _time(lambda: _read_bare(ids)))
        with _counting() as calls:
            seconds = _time(lambda: _sync_all(ids))
        if calls["get_raw"] != options.mails:
            sys.exit(f"{options.mails} mails were added and {calls['get_raw']} read")
        rounds.calls += calls
        rounds.mails.append(calls["get_raw"] / seconds)
        rounds.pages.append(calls["list_history"] / seconds)
        rounds.quiet.append(len(ids) / _time(lambda: _sync_all(ids)))
    return rounds


def _fill(store: Store, mailboxes: int, mails: int) -> None:
    with store.writing() as db:
        for number in range(mails):
            account = number % mailboxes
            answered = f"References: <offer-{account + 1}@mail.gmail.com>\r\n" if number % REPLY_IN == 0 else ""
            raw = (
                f"From: Kevin <kevinf@flynnsarcade.example>\r\nTo: rep{account}@warmline.example\r\n"
                "Subject: Re: Offer\r\n"
                f"Message-ID: <{secrets.token_hex(16)}@flynnsarcade.example>\r\n{answered}\r\n{WORDS * 20}\r\n"
            )
            mailbox.add_message(db, f"rep{account}@warmline.example", raw.encode(), ("INBOX", "UNREAD"))


def _sync_all(ids: list[int]) -> None:
    """Do what the job `sync_mailbox` does, for each mailbox."""
    for mailbox_id in ids:
        with get_db().session() as session:
            for _ in history.sync(session, mailbox_id, receive=replies.receive, sent=sent):
                session.commit()


def _read_bare(ids: list[int]) -> None:
    """Ask for the same pages and mails and do nothing with them."""
    with get_db().session(write=False) as session:
        for mailbox_id in ids:
            row = session.get_one(Mailbox, mailbox_id)
            start, token = row.history_id or 0, None
            with Gmail.open(row) as gmail:
                while True:
                    page = gmail.list_history(start, token)
                    for one in page.added:
                        gmail.get_raw(one.gmail_id)
                    if (token := page.next_page_token) is None:
                        break


@contextmanager
def _counting() -> Iterator["Counter[str]"]:
    """Count the client's calls until the end of the block."""
    calls: Counter[str] = Counter()
    kept = {name: getattr(Gmail, name) for name in UNITS}

    def count(name: str) -> Any:
        def counted(*words: Any) -> Any:
            calls[name] += 1
            return kept[name](*words)

        return counted

    for name in kept:
        setattr(Gmail, name, count(name))
    try:
        yield calls
    finally:
        for name, call in kept.items():
            setattr(Gmail, name, call)


def _time(act: Any) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _count_replies() -> int:
    with get_db().session(write=False) as session:
        return session.exec(select(func.count()).select_from(InboundMail)).one()


def _summarise(count: int, rounds: Rounds, options: argparse.Namespace, replies_found: int) -> Figures:
    rates = spread(rounds.mails)
    units = sum(rounds.calls[name] * cost for name, cost in UNITS.items())
    measured = sum(1 for number in range(options.mails) if number % REPLY_IN == 0) * options.rounds
    warm = sum(1 for number in range(count) if number % REPLY_IN == 0)
    if replies_found != measured + warm:
        sys.exit(f"{measured + warm} replies were sent and {replies_found} found")
    return {
        "bench": "sync", "case": f"{count} mailboxes", "mailboxes": count, "mails": options.mails,
        "mails_per_second": rates["median"], "lowest": rates["lowest"], "highest": rates["highest"],
        "limit_per_second": round(statistics.median(rounds.limit)),
        "pages_per_second": round(statistics.median(rounds.pages), 1),
        "units_per_reply": round(units / measured, 1), "quiet_per_second": round(statistics.median(rounds.quiet), 1),
        "rounds": options.rounds, "is_within_goal": rates["median"] >= GOAL_MAILS_A_SECOND,
    }  # fmt: skip


if __name__ == "__main__":
    main()
