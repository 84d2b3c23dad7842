"""Cuts live streams and kills their server while mail is read: each client's rows are the database's, in order.

    .venv/bin/python chaos/streams.py --events 5000 --cuts 200 --kills 10 --seed 1 [--database postgresql]

Every client comes again with the id of the last row that it read whole (`Last-Event-ID`), as a browser does.
"""

import re
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlmodel import col, select

from chaos.grounds import Ground, make_copies, make_parser, perform, wait_for
from chaos.hits import AGENT
from server.accounts.browser_sessions import open_session
from server.accounts.models import Member, Role
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
ROW = re.compile(rb"id: (\d+)\nevent: row\n")
END_SECONDS = 180


@dataclass
class Client:
    """One listener: the ids of the rows it read, and its line, which may be cut from outside."""

    port: int
    ticket: Any
    read: list[int] = field(default_factory=list)
    line: socket.socket | None = None
    is_over: bool = False

    def run(self) -> None:
        """Listen, and come again whenever the line is cut."""
        while not self.is_over:
            with suppress(OSError):  # cut, or nobody there
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
            got = b""
            while chunk := self.line.recv(65_536):
                *whole, got = (got + chunk).split(b"\n\n")
                for one in whole:
                    if match := ROW.search(one + b"\n"):
                        self.read.append(int(match[1]))


def main() -> int:
    """Run the experiment and return 0 when every client has every row once, in order."""
    parser = make_parser(__doc__)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    return perform(parser.parse_args(), _experiment)


def _experiment(ground: Ground) -> dict[str, Any]:
    paths = make_copies(ground.settings, 50)
    ground.start("valkey", "stream", "worker-hits", "ticker")
    make = _make_tickets()
    clients = [Client(ground.settings.stream_port, make) for _ in range(CLIENTS)]
    for client in clients:
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
        "complete_after_seconds": seconds,
    }  # fmt: skip


def _make_tickets() -> Any:
    with get_db().session() as session:
        member = session.exec(select(Member)).one()
        member.role = Role.ADMIN
        session.add(member)
        row, _token = open_session(session, member.id)
        session.commit()
        ticket = Ticket(member.id, member.workspace_id, row.id, None, True, True, True, "en")
    keys = get_keys()
    return lambda: make_ticket(keys, ticket)


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
