"""Cuts live streams and kills their server while mail is read: each client's rows are the database's, in order.

    .venv/bin/python chaos/streams.py --events 5000 --cuts 200 --kills 10 --seed 1 [--database postgresql]

Every client comes again with the id of the last row that it read whole (`Last-Event-ID`), as a browser does. One that
missed too much for a stream is told to reload, and then reads pages of the members' app back to what it has.
"""

import html
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import requests
from sqlmodel import col, select

from chaos.grounds import Ground, make_copies, make_parser, perform, wait_for
from chaos.hits import AGENT
from server.accounts.browser_sessions import open_session
from server.accounts.models import Member, Role
from server.accounts.stored_session import SESSION_COOKIE
from server.db import get_db
from server.events.models import Event
from server.feed.tickets import Ticket, make_ticket
from server.keys import get_keys
from server.tracking.hits import make_record
from server.tracking.journal import Journal
from server.tracking.tokens import read_pixel

CLIENTS = 10
RETRY_SECONDS = 0.2
SILENCE_SECONDS = 30
EVENT = re.compile(rb"id: (\d+)\nevent: (row|reload)\n")
PAGE_ROW = re.compile(r'data-id="(\d+)"')
OLDER = re.compile(r'href="(/\?[^"]*before=[^"]*)"')
NEWEST = "/?machine=shown"
END_SECONDS = 180


@dataclass
class Client:
    """One listener: the ids of the rows it read, how often it was told to reload, and its line."""

    port: int
    ticket: Callable[[], str]
    pages: requests.Session
    app: str
    read: list[int] = field(default_factory=list)
    reloads: int = 0
    line: socket.socket | None = None
    is_over: bool = False

    def run(self) -> None:
        """Listen, and come again whenever the line is cut."""
        while not self.is_over:
            with suppress(OSError):  # cut, or nobody there; requests' own errors are of this kind too
                self._listen()
            time.sleep(RETRY_SECONDS)

    def cut(self) -> None:
        """Cut the line, wherever it is."""
        if self.line is not None:
            with suppress(OSError):  # it was cut already
                self.line.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=SILENCE_SECONDS) as self.line:
            last = self.read[-1] if self.read else 0
            head = f"GET /stream?ticket={self.ticket()} HTTP/1.1\r\nHost: 127.0.0.1\r\nLast-Event-ID: {last}\r\n\r\n"
            self.line.sendall(head.encode())
            got, paged = b"", set[int]()
            while chunk := self.line.recv(65_536):
                *whole, got = (got + chunk).split(b"\n\n")
                for one in whole:
                    match = EVENT.search(one + b"\n")
                    if match and match[2] == b"reload":
                        paged = self._reload()
                    elif match and int(match[1]) not in paged:  # as a page skips the rows that it shows
                        self.read.append(int(match[1]))

    def _reload(self) -> set[int]:
        """Read pages from the newest row back to the last that is here; return what they brought."""
        brought: set[int] = set()
        path: str | None = NEWEST
        while path is not None:
            answer = self.pages.get(f"{self.app}{path}", headers={"HX-Request": "true"}, timeout=SILENCE_SECONDS)
            answer.raise_for_status()
            found = set(map(int, PAGE_ROW.findall(answer.text)))
            brought |= found
            older = OLDER.search(answer.text)
            is_far = not self.read or min(found, default=0) > self.read[-1]
            path = html.unescape(older[1]) if older and is_far else None
        new = sorted(row_id for row_id in brought if not self.read or row_id > self.read[-1])
        self.read += new
        self.reloads += 1
        return set(new)


def main() -> int:
    """Run the experiment and return 0 when every client has every row once, in order."""
    parser = make_parser(__doc__)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    return perform(parser.parse_args(), _experiment)


def _experiment(ground: Ground) -> dict[str, Any]:
    paths = make_copies(ground.settings, 50)
    ground.start("valkey", "web", "stream", "worker-hits", "ticker")
    make, cookie = _make_tickets()
    clients = [
        Client(ground.settings.stream_port, make, requests.Session(), ground.settings.base_url) for _ in range(CLIENTS)
    ]
    for client in clients:
        client.pages.cookies.set(SESSION_COOKIE, cookie)
        threading.Thread(target=client.run, daemon=True).start()
    _harm(ground, clients, [pixel for pixel, _link in paths])
    ground.wait_until_drained()
    with get_db().session(write=False) as session:
        stored = list(session.exec(select(Event.id).order_by(col(Event.id))))

    def have_all() -> bool:
        return all(client.read[-1:] == stored[-1:] for client in clients)

    try:
        seconds = wait_for(have_all, "every client to have the last row", END_SECONDS)
    except TimeoutError:
        seconds = float(END_SECONDS)
    for client in clients:
        client.is_over = True
        client.cut()
    wrong = sum(client.read != stored for client in clients)
    return {
        "holds": not wrong and len(stored) == ground.options.events, "events": len(stored), "clients": CLIENTS,
        "cuts": ground.options.cuts, "kills": ground.options.kills, "clients_with_other_rows": wrong,
        "missing": sum(len(set(stored) - set(client.read)) for client in clients),
        "doubled": sum(len(client.read) - len(set(client.read)) for client in clients),
        "reloads": sum(client.reloads for client in clients), "complete_after_seconds": seconds,
    }  # fmt: skip


def _make_tickets() -> tuple[Callable[[], str], str]:
    """Return what makes the tickets of a member, and the cookie with which that member reads pages."""
    with get_db().session() as session:
        member = session.exec(select(Member)).one()
        member.role = Role.ADMIN
        session.add(member)
        row, cookie = open_session(session, member.id)
        session.commit()
        ticket = Ticket(member.id, member.workspace_id, row.id, None, True, True, True, "en")
    keys = get_keys()
    return lambda: make_ticket(keys, ticket), cookie


def _harm(ground: Ground, clients: list[Client], pixels: list[str]) -> None:
    """Let the events come, and cut and kill at random moments among them."""
    options, dice, journal = ground.options, ground.dice, Journal(ground.settings.journal_dir)
    kills = set(dice.sample(range(options.events), options.kills))
    cuts = set(dice.sample(range(options.events), options.cuts))
    for number in range(options.events):
        _o, _path, sender, token = pixels[number % len(pixels)].split("/")
        tracking_id = read_pixel(get_keys(), sender, token.removesuffix(".gif")) or ""
        environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "203.0.113.7", "HTTP_USER_AGENT": AGENT.format(name=number)}
        journal.append(make_record("pixel", tracking_id, environ, 0))
        if number in cuts:
            dice.choice(clients).cut()
        if number in kills:
            ground.kill("stream")
        time.sleep(dice.uniform(0, 0.02))
    journal.close()


if __name__ == "__main__":
    sys.exit(main())
