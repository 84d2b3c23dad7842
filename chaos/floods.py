"""Floods the edge, and measures what others feel: one token fetched without end, slow clients, endless forms.

    .venv/bin/python chaos/floods.py --hits 100000 --within 60 --seed 1 [--database postgresql]

The flooded mail keeps so many rows an hour, and rows and `copy.repeats` together are exactly what was answered; the
hits of others are all stored. 200 clients that send a byte now and then hold no pixel up; forms of 100,000 parts are
refused.
"""

import http.client
import socket
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import requests
from sqlmodel import col, func, select

from chaos.grounds import Ground, compare, make_copies, make_parser, perform
from chaos.hits import Readers, list_stored
from server.db import get_db
from server.events.models import Event
from server.keys import get_keys
from server.messages.models import Copy
from server.tracking.repeats import KEPT_AN_HOUR
from server.tracking.tokens import site_key

GOAL_MS = 200.0
CONNECTIONS = 16
SLOW_CLIENTS = 200
PARTS = 100_000
PAUSE_SECONDS = 0.05


def main() -> int:
    """Run the experiment and return 0 when it held."""
    parser = make_parser(__doc__)
    parser.add_argument("--hits", type=int, default=100_000)
    parser.add_argument("--within", type=float, default=60, help="seconds")
    parser.add_argument("--goal-ms", type=float, default=GOAL_MS, help="more where other work runs beside")
    parser.add_argument("--slow-seconds", type=float, default=20)
    return perform(parser.parse_args(), _experiment)


def _experiment(ground: Ground) -> dict[str, Any]:
    paths = make_copies(ground.settings, 50)
    ground.start("valkey", "edge", "web", "worker-hits", "ticker")
    port, options = ground.settings.edge_port, ground.options
    (others, flooded), forms = _beside(port, paths[1:], lambda: _flood(ground, paths[0][0])), _send_forms(ground)
    (slowed, _none) = _beside(port, paths[1:], lambda: _be_slow(ground, options.slow_seconds))
    drained = ground.wait_until_drained(600)
    with get_db().session(write=False) as session:
        rows = session.exec(select(func.count()).select_from(Event).where(col(Event.copy_id) == 1)).one()
        repeats = session.exec(select(Copy.repeats).where(Copy.id == 1)).one()
    stored = [name for name in list_stored() if not name.startswith("flood.")]
    difference = compare(others.ok | slowed.ok, others.unknown | slowed.unknown, stored)
    p99 = others.percentile(0.99)
    figures = {
        "flood": flooded, "rows": rows, "repeats": repeats, "others_p99_ms": p99, "others": len(others.ok),
        "slow_clients": SLOW_CLIENTS, "beside_slow_p99_ms": slowed.percentile(0.99), "beside_slow": len(slowed.ok),
        "beside_slow_answers": dict(slowed.statuses), "forms": forms, "drained_after_seconds": drained, **difference,
    }  # fmt: skip
    is_exact = rows + repeats == flooded and rows <= 2 * KEPT_AN_HOUR  # an hour may end within it
    is_quick = p99 <= options.goal_ms and slowed.percentile(0.99) <= options.goal_ms
    are_refused = set(forms) <= {400, 404, 413}
    return {"holds": is_exact and is_quick and are_refused and not any(difference.values())} | figures


def _beside(port: int, paths: list[tuple[str, str]], act: Any) -> tuple[Readers, Any]:
    """Do something while others read their mail as ever; return them, and what came of it."""
    readers = Readers(port)
    label = f"{id(readers)}."
    thread = threading.Thread(target=readers.go_on, args=(paths, PAUSE_SECONDS, label), daemon=True)
    thread.start()
    result = act()
    readers.is_over.set()
    thread.join()
    return readers, result


def _flood(ground: Ground, path: str) -> int:
    """Fetch one pixel again and again, evenly over the time there is; return how often it was answered."""
    flood, options = Readers(ground.settings.edge_port), ground.options
    begun, numbers = time.monotonic(), iter(range(options.hits))

    def fetch() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", ground.settings.edge_port, timeout=10)
        for number in numbers:
            time.sleep(max(0.0, begun + options.within * number / options.hits - time.monotonic()))
            flood.fetch("pixel", path, f"flood.{number}", connection)
        connection.close()

    threads = [threading.Thread(target=fetch, daemon=True) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(flood.ok)


def _be_slow(ground: Ground, seconds: float) -> None:
    """Hold 200 connections: half send their head, half the body of a visit, a byte at a time."""
    head = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
    key = site_key(get_keys(), "ab" * 16)
    visit = f"POST /w/{key} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{{".encode()
    with ExitStack() as stack:
        clients = []
        for number in range(SLOW_CLIENTS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", ground.settings.edge_port)))
            client.sendall(visit if number % 2 else head)
            clients.append(client)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for client in clients:
                try:
                    client.sendall(b" ")
                except OSError:
                    continue  # it was sent away
            time.sleep(0.5)


def _send_forms(ground: Ground) -> list[int]:
    """Send a form of 100,000 parts to the members' app and to the edge; return the answers."""
    part = "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n"
    body = (part * PARTS + "--x--\r\n").encode()
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Sec-Fetch-Site": "same-origin"}
    answers = []
    for url in (f"{ground.settings.base_url}/sign-in", f"{ground.settings.edge_base_url}/u/nothing"):
        try:
            answers.append(requests.post(url, data=body, headers=headers, timeout=60).status_code)
        except (requests.ConnectionError, http.client.HTTPException):
            answers.append(413)  # it hung up while we sent
    return answers


if __name__ == "__main__":
    sys.exit(main())
