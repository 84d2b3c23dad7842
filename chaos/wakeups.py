"""Kills, empties and hangs Valkey while mails are due, and counts: work goes on, nothing is lost or doubled.

    .venv/bin/python chaos/wakeups.py --sends 500 --kills 20 --flushes 10 --hangs 3 --seed 1 [--database postgresql]

The mails fall due evenly over the whole time. Workers and ticker reach Valkey through a proxy, which hangs now and
then: it takes connections and passes nothing on. After each fault the next due mail is out within 60 s.
"""

import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlmodel import col, func, select

from chaos.gmail import compose_to_many, count_accepted, make_linked_member
from chaos.grounds import Ground, make_parser, perform, wait_for
from server.clock import now
from server.db import get_db
from server.messages.models import Copy, CopyState
from server.messages.render import copy_mark
from server.queue import connect
from server.valkey import socket_path, start_valkey

BACK_SECONDS = 60
PROXY_OFFSET = 9


class Proxy:
    """Passes bytes between a port and Valkey's socket, except while it hangs."""

    def __init__(self, port: int, target: Path) -> None:
        self._target = str(target)
        self._passes = threading.Event()
        self._passes.set()
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def hang(self, seconds: float) -> None:
        """Pass nothing on for a while."""
        self._passes.clear()
        time.sleep(seconds)
        self._passes.set()

    def _accept(self) -> None:
        while True:
            client, _address = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._passes.wait()
        try:
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
        except OSError:
            client.close()
            return
        threading.Thread(target=self._pass_on, args=(server, client), daemon=True).start()
        self._pass_on(client, server)

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                self._passes.wait()
                sink.sendall(data)
        except OSError:
            pass  # the other side is gone; so are both now
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # the other thread may wait in it, and would keep a mere close from it
            end.close()


def main() -> int:
    """Run the experiment and return 0 when nothing was lost, doubled or late."""
    parser = make_parser(__doc__)
    parser.add_argument("--sends", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--flushes", type=int, default=10)
    parser.add_argument("--hangs", type=int, default=3)
    parser.add_argument("--away", type=float, default=5, help="seconds that Valkey is away, or hangs")
    options = parser.parse_args()
    return perform(options, _experiment, REDIS_URL=f"redis://127.0.0.1:{options.port + PROXY_OFFSET}")


def _experiment(ground: Ground) -> dict[str, Any]:
    options, home = ground.options, ground.settings.warmline_home
    valkey, url = start_valkey(home)
    proxy = Proxy(options.port + PROXY_OFFSET, socket_path(home))
    faults = ["kill"] * options.kills + ["flush"] * options.flushes + ["hang"] * options.hangs
    ground.dice.shuffle(faults)
    resumed = []
    try:
        ground.start("stand-in", "worker-mail-0", "ticker")
        _make_due_mails(ground, len(faults) * (options.away + 2))
        for fault in faults:
            if fault == "flush":
                connect(url).flushall()
            elif fault == "hang":
                proxy.hang(options.away)
            else:
                valkey.kill()
                valkey.wait()
                time.sleep(options.away)
                valkey, url = start_valkey(home)
            resumed.append(wait_for(_sent_more_than(_count_sent()), "the next mail", 4 * BACK_SECONDS))
        wait_for(lambda: _count_sent() == options.sends, "every mail to be sent", 600)
    finally:
        _end(valkey)
    counts = count_accepted(ground.settings)
    with get_db().session(write=False) as session:
        accepted = [counts.get(copy_mark(copy), 0) for copy in session.exec(select(Copy))]
    lost, doubled, slowest = accepted.count(0), sum(count > 1 for count in accepted), max(resumed, default=0.0)
    return {
        "holds": not lost and not doubled and slowest <= BACK_SECONDS, "sends": len(accepted), "kills": options.kills,
        "flushes": options.flushes, "hangs": options.hangs, "away_seconds": options.away, "lost": lost,
        "doubled": doubled, "slowest_resumption": slowest,
    }  # fmt: skip


def _make_due_mails(ground: Ground, seconds: float) -> None:
    with get_db().session() as session:
        member = make_linked_member(session, ground.settings)
        compose_to_many(session, member, ground.options.sends)
        session.flush()
        copies = session.exec(select(Copy).order_by(col(Copy.id))).all()
        for number, copy in enumerate(copies):
            copy.due_at = now() + timedelta(seconds=seconds * number / len(copies))
            session.add(copy)
        session.info.pop("after_commit", None)  # nobody wakes them: they are due later
        session.commit()


def _sent_more_than(count: int) -> Any:
    return lambda: _count_sent() > count or _count_waiting() == 0


def _count_sent() -> int:
    with get_db().session(write=False) as session:
        return session.exec(select(func.count()).select_from(Copy).where(Copy.state == CopyState.SENT)).one()


def _count_waiting() -> int:
    with get_db().session(write=False) as session:
        return session.exec(select(func.count()).select_from(Copy).where(Copy.state != CopyState.SENT)).one()


def _end(valkey: "subprocess.Popen[bytes]") -> None:
    valkey.terminate()
    valkey.wait()


if __name__ == "__main__":
    sys.exit(main())
