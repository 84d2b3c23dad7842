"""What the events of one copy say of each other: a scanner's company, a person's other network, a later confirmation.

Pure: from everything that happened to a copy to a judgement of each, the same whatever order it came to be known in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from server.events.models import COUNTED_VERDICTS, EventKind, Verdict
from server.events.networks import Networks, find_neighbourhood
from server.events.reading import ReadingState, level_of
from server.events.traps import Click, find_traps, tell_trap
from server.events.verdict import EDGE_KINDS, ELSEWHERE, Judgement, is_forgotten, is_soon, judge

LOOK = timedelta(seconds=1.5)  # a person sees a mail for at least so long before they click in it


@dataclass(frozen=True, slots=True)
class Happening:
    """One event as evidence, raw and what is known beside it; `stands` is its judgement where nothing is left."""

    at: datetime
    kind: str
    evidence: dict[str, Any]
    target: str = ""
    stands: Judgement | None = None
    network: str = field(default="", init=False)

    def __post_init__(self) -> None:
        """Find the network."""
        object.__setattr__(self, "network", find_neighbourhood(str(self.evidence.get("ip") or "")))


def judge_history(happenings: Sequence[Happening], networks: Networks) -> list[Judgement]:
    """Return the judgement of each of a copy's happenings, in the order given."""
    traps = find_traps(tell_clicks(happenings))
    evidence = [{**one.evidence, **tell_trap(traps, one.at, one.network)} for one in happenings]
    _note_looks(happenings, evidence, networks)
    judgements = [_judge(one, told, networks) for one, told in zip(happenings, evidence, strict=True)]
    homes = _find_homes(happenings, judgements)
    for index, one in enumerate(happenings):
        if homes and one.network not in homes and is_doubtful(evidence[index], judgements[index]):
            judgements[index] = _judge(one, {**evidence[index], "is_elsewhere": True}, networks)
    if is_confirmed(happenings, judgements):
        for index, one in enumerate(happenings):
            if one.kind == EventKind.VIEWED and judgements[index].verdict in COUNTED_VERDICTS:
                judgements[index] = _judge(one, {**evidence[index], "is_confirmed": True}, networks)
    return judgements


def tell_clicks(happenings: Iterable[Happening]) -> list[Click]:
    """Return those happenings that can be a scanner's walk through the links; our own never are."""
    return [
        Click(one.at, one.target, one.network, bool(one.evidence.get("honeypot")))
        for one in happenings
        if one.kind == EventKind.CLICKED and not one.evidence.get("device")
    ]


def is_confirmed(happenings: Iterable[Happening], judgements: Iterable[Judgement]) -> bool:
    """Return whether a person clicked, answered or read on for sure."""
    return any(
        level_of({"kind": one.kind, "verdict": judgement.verdict, "confidence": judgement.confidence})
        == ReadingState.CONFIRMED.level
        for one, judgement in zip(happenings, judgements, strict=True)
    )


def is_doubtful(evidence: dict[str, Any], judgement: Judgement) -> bool:
    """Return whether this may be a scanner that plays a browser: so soon, and not quite as a browser asks.

    A click that no view preceded, or an image asked for without the language that every browser sends.
    """
    if judgement.verdict not in (Verdict.HUMAN, Verdict.UNKNOWN) or not is_soon(evidence):
        return False
    if evidence["kind"] == EventKind.CLICKED:
        return not evidence.get("has_looked")
    return evidence["kind"] == EventKind.VIEWED and "accept-language" not in (evidence.get("headers") or {})


def is_open(evidence: dict[str, Any], judgement: Judgement) -> bool:
    """Return whether what is believed of this hangs on where persons come from, so that a later event may turn it."""
    return is_doubtful(evidence, judgement) or judgement.reasons[:1] == [ELSEWHERE]


def _judge(one: Happening, evidence: dict[str, Any], networks: Networks) -> Judgement:
    return one.stands or judge(evidence, networks)


def _note_looks(happenings: Sequence[Happening], evidence: list[dict[str, Any]], networks: Networks) -> None:
    """Note of early clicks whether a view came a moment before, by the same reader or through a proxy."""
    early = [index for index, one in enumerate(happenings) if one.kind == EventKind.CLICKED and is_soon(one.evidence)]
    if not early:
        return
    views = [
        (one.at, one.network, judgement.verdict)
        for one, told in zip(happenings, evidence, strict=True)
        if one.kind == EventKind.VIEWED and (judgement := _judge(one, told, networks)).verdict in COUNTED_VERDICTS
    ]
    for index in early:
        click = happenings[index]
        evidence[index]["has_looked"] = any(
            click.at - at >= LOOK and (network == click.network or verdict == Verdict.PROXY)
            for at, network, verdict in views
        )


def _find_homes(happenings: Sequence[Happening], judgements: Sequence[Judgement]) -> set[str]:
    """Return the networks from which persons surely came: not so soon, and not through a proxy."""
    return {
        one.network
        for one, judgement in zip(happenings, judgements, strict=True)
        if one.kind in EDGE_KINDS and one.network and judgement.verdict == Verdict.HUMAN
        if not is_soon(one.evidence) and not is_forgotten(one.evidence)
    }
