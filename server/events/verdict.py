"""Who made a view, a click, a visit or a reading: a pure function from evidence to a verdict with its reasons.

It is replayable, so versioned. Rules run in order and the first that speaks decides; what the copy's other events say
(`history.py` tells) is evidence like the rest. Proxies come before bot lists, because those call Gmail's image proxy a
bot. No person's program and no mail service's network condemns alone: it takes behaviour beside it.
Sources: facts.md (Opens and clicks), `agents.py`, `networks.csv`. docs/verdicts.md tells the rules in words.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from server.events.agents import Agent, read_agent
from server.events.models import EventKind, Verdict
from server.events.networks import Networks, Owner, shipped_networks

VERSION = 2
BURST_LINKS = 3
SOON_MS = 10_000  # people have hardly got the mail by then
SCAN_MS = 60_000  # within this time after the send scanners do most of their work
FORGOTTEN: Final = "forgotten"  # in the evidence: what the verdict rested on is deleted, so the verdict stands

PREFETCH_HEADERS = {"sec-purpose", "purpose", "x-purpose", "x-moz"}
PREFETCH_WORDS = ("prefetch", "prerender", "preview", "instant")
READ_KINDS = (EventKind.DOCUMENT_OPENED, EventKind.PAGE_READ, EventKind.DOWNLOADED)
EDGE_KINDS = (EventKind.VIEWED, EventKind.CLICKED, EventKind.WEB_VISITED, *READ_KINDS)
MACHINES_OWN_KINDS = (EventKind.AUTO_REPLIED, EventKind.BOUNCED)  # made by machines, and worth seeing
HIDDEN_VERDICTS = (Verdict.MACHINE, Verdict.SELF)
ELSEWHERE = "elsewhere"  # the reason's code
VISITORS = {"claimed": "claimed_visitor", "signed": "signed_visitor"}

Evidence = Mapping[str, Any]
Rule = Callable[[Evidence, Owner | None], Iterator["Judgement"]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What Warmline believes, how sure it is (0 to 1), and why: codes of `reasons.REASONS`, some with `:value`."""

    verdict: Verdict
    confidence: float
    reasons: list[str]


def judge(evidence: Evidence, networks: Networks | None = None) -> Judgement:
    """Return who made the event that `evidence` describes.

    Raw keys: `kind` (of `EventKind`), and for what comes to the edge `agent`, `ip`, `method`, `headers` (lower-case
    names), `device` (the id of a member's device), `after_send_ms`, `honeypot` (the hidden link itself was followed),
    for a visit `visitor`: `signed` or `claimed`. `reported` is the verdict of a program that sent the event itself.
    Keys that other facts give (`context.py`, `history.py`): `device_of` (`own` or `colleague`), `opened_thread_ms`
    (since the member opened the thread), `honeypot_ms` (to the nearest hit of the hidden link), `burst_links` (distinct
    links in the burst around it), `has_looked` (a view came before the click), `is_elsewhere` (another network than
    that of every person's event of the copy), `is_confirmed` (a person clicked or answered).
    """
    kind = evidence.get("kind")
    if reported := evidence.get("reported"):
        return Judgement(Verdict(reported), 1.0, ["reported"])
    if kind not in EDGE_KINDS or (kind in READ_KINDS and not evidence.get("agent") and not evidence.get("ip")):
        return _judge_mail(str(kind))
    owner = (networks or shipped_networks()).find(str(evidence.get("ip") or ""))
    for rule in RULES:
        for judgement in rule(evidence, owner):
            return _confirm(evidence, judgement)
    return _confirm(evidence, Judgement(Verdict.UNKNOWN, 0.5, ["agent_unknown"]))


def tell_columns(kind: str, judgement: Judgement) -> dict[str, Any]:
    """Return the event's columns that say what is believed of it, and whether it shows without being asked for."""
    return {
        "verdict": judgement.verdict,
        "is_shown": kind in MACHINES_OWN_KINDS or judgement.verdict not in HIDDEN_VERDICTS,
        "confidence": judgement.confidence,
        "reasons": judgement.reasons,
        "verdict_version": VERSION,
    }


def _judge_mail(kind: str) -> Judgement:
    if kind in MACHINES_OWN_KINDS:
        return Judgement(Verdict.MACHINE, 1.0, [kind])
    return Judgement(Verdict.HUMAN, 1.0, [kind] if kind == EventKind.REPLIED else [])


def _confirm(evidence: Evidence, judgement: Judgement) -> Judgement:
    """Be surer of a view where the same mail was also clicked or answered by a person."""
    is_counted = judgement.verdict not in HIDDEN_VERDICTS
    if not (evidence.get("is_confirmed") and evidence["kind"] == EventKind.VIEWED and is_counted):
        return judgement
    is_person = judgement.verdict == Verdict.UNKNOWN and not is_soon(evidence)
    verdict = Verdict.HUMAN if is_person else judgement.verdict
    return Judgement(verdict, max(judgement.confidence, 0.95), [*judgement.reasons, "confirmed"])


def _ourselves(evidence: Evidence, _owner: Owner | None) -> Iterator[Judgement]:
    if evidence.get("device"):
        yield Judgement(Verdict.SELF, 1.0, ["colleague" if evidence.get("device_of") == "colleague" else "own_device"])
    if (opened_ms := evidence.get("opened_thread_ms")) is not None:
        yield Judgement(Verdict.SELF, 0.9, [f"opened_thread:{_seconds(opened_ms)}"])


def _request_of_a_machine(evidence: Evidence, _owner: Owner | None) -> Iterator[Judgement]:
    if evidence.get("honeypot"):
        yield Judgement(Verdict.MACHINE, 0.99, ["honeypot"])
    if evidence.get("method") == "HEAD":
        yield Judgement(Verdict.MACHINE, 0.95, ["head_request"])
    headers = evidence.get("headers") or {}
    for name in headers.keys() & PREFETCH_HEADERS:
        if any(word in str(headers[name]).lower() for word in PREFETCH_WORDS):
            yield Judgement(Verdict.MACHINE, 0.95, ["prefetch_header"])


def _company_of_machines(evidence: Evidence, _owner: Owner | None) -> Iterator[Judgement]:
    """Condemn what came with a scanner that followed the hidden link, or many links at once."""
    if evidence["kind"] == EventKind.WEB_VISITED:
        return
    if (honeypot_ms := evidence.get("honeypot_ms")) is not None:
        yield Judgement(Verdict.MACHINE, 0.95, [f"honeypot_near:{_seconds(honeypot_ms)}"])
    if (links := int(evidence.get("burst_links") or 0)) >= BURST_LINKS:
        yield Judgement(Verdict.MACHINE, 0.9, [f"link_burst:{links}"])


def _image_proxy(evidence: Evidence, _owner: Owner | None) -> Iterator[Judgement]:
    agent = _agent(evidence)
    if agent.is_prefetch:
        yield Judgement(Verdict.MACHINE, 0.95, ["gmail_prefetch"])
    if code := agent.proxy:
        if evidence["kind"] != EventKind.VIEWED:
            yield Judgement(Verdict.MACHINE, 0.9, ["proxy_followed_link"])
        elif code == "apple_proxy":  # it loads every image of every mail, read or not
            yield Judgement(Verdict.MACHINE, 0.7, [code])
        else:
            yield Judgement(Verdict.PROXY, 0.8, [code])


def _scanner_network(evidence: Evidence, owner: Owner | None) -> Iterator[Judgement]:
    if owner is None or owner.role != "scanner":
        return
    if owner.is_certain:
        if evidence["kind"] != EventKind.VIEWED:  # who reads mail in Outlook on the web comes from there, too
            yield Judgement(Verdict.MACHINE, 0.95, [f"scanner_network:{owner.name}"])
        return
    reason = f"scanner_network_probable:{owner.name}"
    if is_soon(evidence, SCAN_MS):
        yield Judgement(Verdict.MACHINE, 0.85, [reason, _tell_soon(evidence)])
    yield Judgement(Verdict.UNKNOWN, 0.5, [reason])


def _machine_by_name(evidence: Evidence, _owner: Owner | None) -> Iterator[Judgement]:
    agent = _agent(evidence)
    if agent.machine:
        yield Judgement(Verdict.MACHINE, 0.95, [agent.machine])


def _elsewhere(evidence: Evidence, _owner: Owner | None) -> Iterator[Judgement]:
    if evidence.get("is_elsewhere") and is_soon(evidence):
        yield Judgement(Verdict.MACHINE, 0.7, [ELSEWHERE, _tell_soon(evidence)])


def _nameless(evidence: Evidence, _owner: Owner | None) -> Iterator[Judgement]:
    agent = _agent(evidence)
    if not agent.name:
        yield Judgement(Verdict.UNKNOWN, 0.5, ["no_agent"])
    elif agent.is_library:
        yield Judgement(Verdict.UNKNOWN, 0.5, ["library_agent"])


def _visitor(evidence: Evidence, _owner: Owner | None) -> Iterator[Judgement]:
    """Say of a visit whether the site vouches for who it was; what only the page says, anybody could say."""
    code = VISITORS.get(str(evidence.get("visitor") or ""))
    if code == "claimed_visitor":
        yield Judgement(Verdict.UNKNOWN, 0.5, [code])
    elif code is not None and (reason := _agent(evidence).person):
        yield Judgement(Verdict.HUMAN, 0.9, [code, reason])


def _mail_service(evidence: Evidence, owner: Owner | None) -> Iterator[Judgement]:
    """Leave a mail service's network open: people read there, and only there is the place unknown."""
    if owner is None or not _agent(evidence).person:
        return
    reason = f"mail_network:{owner.name}"
    if evidence["kind"] == EventKind.VIEWED:
        yield Judgement(Verdict.PROXY, 0.6, [reason])
    yield Judgement(Verdict.UNKNOWN, 0.5, [reason])


def _person(evidence: Evidence, _owner: Owner | None) -> Iterator[Judgement]:
    if reason := _agent(evidence).person:
        if is_soon(evidence) and not evidence.get("has_looked"):
            yield Judgement(Verdict.HUMAN, 0.6, [reason, _tell_soon(evidence)])
        yield Judgement(Verdict.HUMAN, 0.8, [reason])


RULES: tuple[Rule, ...] = (
    _ourselves,
    _request_of_a_machine,
    _company_of_machines,
    _image_proxy,
    _machine_by_name,
    _scanner_network,
    _elsewhere,
    _nameless,
    _visitor,
    _mail_service,
    _person,
)


def is_soon(evidence: Evidence, within_ms: int = SOON_MS) -> bool:
    """Return whether it happened within that time after the send; False where the time of the send is not known."""
    after_ms = evidence.get("after_send_ms")
    return isinstance(after_ms, int) and after_ms < within_ms


def is_forgotten(evidence: Evidence) -> bool:
    """Return whether agent and address were deleted, so that nothing can be judged anew."""
    return bool(evidence.get(FORGOTTEN)) or not (evidence.get("agent") or evidence.get("ip"))


def _agent(evidence: Evidence) -> Agent:
    return read_agent(str(evidence.get("agent") or ""))


def _tell_soon(evidence: Evidence) -> str:
    return f"soon_after_send:{_seconds(evidence['after_send_ms'])}"


def _seconds(ms: float) -> str:
    return f"{max(0.0, ms / 1000):.1f}".removesuffix(".0")
