"""Readers who fetch pixels and follow links, each attempt under a name of its own, and what became of each."""

import http.client
import re
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlmodel import select

from chaos.grounds import TARGET
from server.db import get_db
from server.events.models import Event
from server.tracking.hot import GIF

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 hit/{name}"
HIT = re.compile(r"hit/(\S+)$")
TIMEOUT_SECONDS = 10


@dataclass
class Readers:
    """What came of the attempts: `ok` (answered whole), `failed` (refused), `unknown` (the answer did not come)."""

    port: int
    ok: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"pixel": [], "click": []})
    is_over: threading.Event = field(default_factory=threading.Event)

    def fetch(self, kind: str, path: str, name: str, connection: http.client.HTTPConnection | None = None) -> bool:
        """Ask for a pixel or follow a link, once; return whether it was answered as it should be."""
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        outcome, begun, status = self.unknown, time.monotonic(), "none"
        try:
            own.request("GET", path, headers={"User-Agent": AGENT.format(name=name)})
            answer = own.getresponse()
            body = answer.read()
            status = str(answer.status)
            is_image = kind == "pixel" and answer.status == 200 and body == GIF
            is_way = kind == "click" and answer.status == 302 and answer.headers["Location"] == TARGET
            outcome = self.ok if is_image or is_way else self.failed
        except ConnectionRefusedError:
            outcome, status = self.failed, "refused"
        except (OSError, http.client.HTTPException):
            pass  # it may have been kept before the answer was lost
        finally:
            if connection is None or outcome is not self.ok:
                own.close()
        self.seconds[kind].append(time.monotonic() - begun)
        self.statuses[f"{kind} {status}"] += 1
        outcome.add(name)
        return outcome is self.ok

    def go_on(self, paths: Sequence[tuple[str, str]], pause: float, label: str = "") -> None:
        """Fetch a pixel and follow a link in turns, `pause` seconds apart, until it is over."""
        number = 0
        while not self.is_over.wait(pause):
            kind = ("pixel", "click")[number % 2]
            self.fetch(kind, paths[number // 2 % len(paths)][number % 2], f"{label}{number}")
            number += 1

    def slowest(self, kind: str) -> float:
        """Return the longest time an answer took, in seconds."""
        return round(max(self.seconds[kind], default=0.0), 3)

    def percentile(self, share: float) -> float:
        """Return the time in ms within which this share of all answers came."""
        ordered = sorted(self.seconds["pixel"] + self.seconds["click"])
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 1) if ordered else 0.0


def list_stored() -> list[str]:
    """Return the names of the attempts that are events."""
    with get_db().session(write=False) as session:
        evidence = session.exec(select(Event.evidence)).all()
    return [match[1] for row in evidence if (match := HIT.search(str(row.get("agent", ""))))]
