"""Where a scanner gave itself away on a copy: it followed the hidden link, or many links at once. Pure arithmetic.

What came near such a moment came with the scanner: for ten seconds whatever its network (scanners use several), for
thirty from one of the scanner's own networks.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from server.events.verdict import BURST_LINKS

BURST_WINDOW = timedelta(seconds=3)
NEAR = timedelta(seconds=10)
FAR = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Click:
    """A link followed, as far as traps need it; `network` is that of `networks.find_neighbourhood`."""

    at: datetime
    target: str
    network: str
    is_honeypot: bool = False


@dataclass(frozen=True, slots=True)
class Trap:
    """A stretch of time in which a scanner was at work; `links` is 0 where it followed the hidden link."""

    start: datetime
    end: datetime
    networks: frozenset[str]
    links: int = 0

    def distance_to(self, at: datetime) -> timedelta:
        """Return how far `at` lies from it."""
        return max(self.start - at, at - self.end, timedelta())

    def holds(self, at: datetime, network: str) -> bool:
        """Return whether what happened then, from that network, came with the scanner."""
        return self.distance_to(at) <= (FAR if network in self.networks else NEAR)


def find_traps(clicks: Iterable[Click]) -> list[Trap]:
    """Return the traps into which these clicks of one copy, in any order, have gone."""
    in_order = sorted(clicks, key=lambda click: click.at)
    traps = [Trap(click.at, click.at, frozenset({click.network})) for click in in_order if click.is_honeypot]
    return traps + [_make_burst(burst) for burst in _find_bursts([one for one in in_order if not one.is_honeypot])]


def tell_trap(traps: Sequence[Trap], at: datetime, network: str) -> dict[str, Any]:
    """Return what the traps say of an event as evidence: `honeypot_ms` or `burst_links`, or nothing."""
    holding = [trap for trap in traps if trap.holds(at, network)]
    honeypots = [trap.distance_to(at) for trap in holding if not trap.links]
    if honeypots:
        return {"honeypot_ms": min(honeypots) // timedelta(milliseconds=1)}
    return {"burst_links": max(trap.links for trap in holding)} if holding else {}


def _find_bursts(clicks: Sequence[Click]) -> Iterator[list[Click]]:
    """Yield the clicks of each burst: windows with enough different links, those that overlap as one."""
    burst: list[Click] = []
    first = 0
    last_taken = -1
    for index, click in enumerate(clicks):
        while click.at - clicks[first].at > BURST_WINDOW:
            first += 1
        window = clicks[first : index + 1]
        if len(window) < BURST_LINKS or len({one.target for one in window}) < BURST_LINKS:
            continue
        if first > last_taken:
            if burst:
                yield burst
            burst = []
        burst += clicks[max(first, last_taken + 1) : index + 1]
        last_taken = index
    if burst:
        yield burst


def _make_burst(clicks: Sequence[Click]) -> Trap:
    networks = frozenset(click.network for click in clicks if click.network)
    return Trap(clicks[0].at, clicks[-1].at, networks, len({click.target for click in clicks}))
