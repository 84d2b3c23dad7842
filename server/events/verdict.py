"""Who made a view, a click or a visit: a pure function from evidence to a verdict with its reasons.

It is replayable, so versioned. Rules run in order and the first that speaks decides. Proxies come before bot lists,
because those call Gmail's image proxy a bot. Rules marked for one kind do not touch the other: a network that scans
links also shows images to people.
Sources: facts.md (Opens and clicks), the crawler-user-agents list, `scanners.csv` beside this file.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import crawleruseragents
import ua_parser

from server.events.models import EventKind, Verdict
from server.events.networks import find_scanner

VERSION = 1
BURST_LINKS = 3
BURST_SECONDS = 3

GMAIL_PREFETCH = "Edge/12.246 Mozilla/5.0"
IMAGE_PROXIES = {"GoogleImageProxy": "gmail_proxy", "YahooMailProxy": "yahoo_proxy"}
APPLE_PROXY = "Mozilla/5.0"
MAIL_PROGRAMS = re.compile(r"Microsoft Outlook|ms-office|MSOffice|Microsoft Office|Thunderbird/|AppleMail|Outlook-iOS")
LIBRARIES = re.compile(
    r"^(curl|wget|python-requests|python-urllib|python-httpx|aiohttp|python/|okhttp|go-http-client|java|"
    r"apache-httpclient|axios|node-fetch|node\.js|undici|got |libwww-perl|ruby|guzzlehttp|restsharp|reqwest|dalvik|"
    r"httpie|php|.*cfnetwork/)",
    re.IGNORECASE,
)
PREFETCH_HEADERS = ("sec-purpose", "purpose", "x-purpose", "x-moz")
PREFETCH_WORDS = ("prefetch", "prerender", "preview", "instant")

EDGE_KINDS = (EventKind.VIEWED, EventKind.CLICKED, EventKind.WEB_VISITED)
VISITORS = {"claimed": "claimed_visitor", "signed": "signed_visitor"}

Evidence = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What Warmline believes, how sure it is (0 to 1), and why: codes of `reasons.REASONS`, some with `:value`."""

    verdict: Verdict
    confidence: float
    reasons: list[str]


def judge(evidence: Evidence) -> Judgement:
    """Return who made the event that `evidence` describes.

    Keys: `kind` (of `EventKind`), and for what comes to the edge `agent`, `ip`, `method`, `headers` (lower-case names),
    `device` (the id of a member's device), `burst_links` (distinct links clicked within `BURST_SECONDS`) and for a
    visit `visitor`: `signed` or `claimed`. `reported` is the verdict of a program that sent the event itself.
    """
    kind = evidence.get("kind")
    if reported := evidence.get("reported"):
        return Judgement(Verdict(reported), 1.0, ["reported"])
    if kind not in EDGE_KINDS:
        return _judge_mail(str(kind))
    for rule in RULES:
        for judgement in rule(evidence):
            return judgement
    return Judgement(Verdict.UNKNOWN, 0.5, ["agent_unknown"])


def _judge_mail(kind: str) -> Judgement:
    if kind in (EventKind.AUTO_REPLIED, EventKind.BOUNCED):
        return Judgement(Verdict.MACHINE, 1.0, [kind])
    return Judgement(Verdict.HUMAN, 1.0, [kind] if kind == EventKind.REPLIED else [])


def _own_device(evidence: Evidence) -> Iterator[Judgement]:
    if evidence.get("device"):
        yield Judgement(Verdict.SELF, 1.0, ["own_device"])


def _request_of_a_machine(evidence: Evidence) -> Iterator[Judgement]:
    if evidence.get("method") == "HEAD":
        yield Judgement(Verdict.MACHINE, 0.95, ["head_request"])
    headers = evidence.get("headers") or {}
    for name in PREFETCH_HEADERS:
        if any(word in str(headers.get(name, "")).lower() for word in PREFETCH_WORDS):
            yield Judgement(Verdict.MACHINE, 0.95, ["prefetch_header"])


def _image_proxy(evidence: Evidence) -> Iterator[Judgement]:
    agent = _agent(evidence)
    if agent.endswith(GMAIL_PREFETCH):
        yield Judgement(Verdict.MACHINE, 0.95, ["gmail_prefetch"])
    if code := find_image_proxy(agent):
        is_view = evidence["kind"] == EventKind.VIEWED
        if not is_view:
            yield Judgement(Verdict.MACHINE, 0.9, ["proxy_followed_link"])
        elif code == "apple_proxy":
            yield Judgement(Verdict.PROXY, 0.2, [code])
        else:
            yield Judgement(Verdict.PROXY, 0.8, [code])


def find_image_proxy(agent: str) -> str | None:
    """Return the reason's code when `agent` fetches images on behalf of a mail program's users."""
    if agent == APPLE_PROXY:
        return "apple_proxy"
    return next((code for word, code in IMAGE_PROXIES.items() if word in agent), None)


def _scanner_network(evidence: Evidence) -> Iterator[Judgement]:
    if evidence["kind"] == EventKind.VIEWED:
        return  # people read mail in Outlook.com from Microsoft's networks, and their proxies fetch images
    scanner = find_scanner(str(evidence.get("ip") or ""))
    if scanner is not None and scanner.is_certain:
        yield Judgement(Verdict.MACHINE, 0.95, [f"scanner_network:{scanner.name}"])
    elif scanner is not None:
        yield Judgement(Verdict.UNKNOWN, 0.5, [f"scanner_network_probable:{scanner.name}"])


def _burst(evidence: Evidence) -> Iterator[Judgement]:
    links = int(evidence.get("burst_links") or 0)
    if evidence["kind"] == EventKind.CLICKED and links >= BURST_LINKS:
        yield Judgement(Verdict.MACHINE, 0.9, [f"link_burst:{links}"])


def _agent_of_a_library(evidence: Evidence) -> Iterator[Judgement]:
    agent = _agent(evidence)
    if not agent:
        yield Judgement(Verdict.UNKNOWN, 0.5, ["no_agent"])
    elif LIBRARIES.match(agent):
        yield Judgement(Verdict.UNKNOWN, 0.5, ["library_agent"])


def _agent_of_a_crawler(evidence: Evidence) -> Iterator[Judgement]:
    if _is_crawler(_agent(evidence)):
        yield Judgement(Verdict.MACHINE, 0.95, ["crawler_agent"])


def _visitor(evidence: Evidence) -> Iterator[Judgement]:
    """Say of a visit whether the site vouches for who it was; what only the page says, anybody could say."""
    code = VISITORS.get(str(evidence.get("visitor") or ""))
    if code == "claimed_visitor":
        yield Judgement(Verdict.UNKNOWN, 0.5, [code])
    elif code is not None and (family := _find_browser(_agent(evidence))):
        yield Judgement(Verdict.HUMAN, 0.9, [code, f"browser:{family}"])


def _agent_of_a_person(evidence: Evidence) -> Iterator[Judgement]:
    agent = _agent(evidence)
    if MAIL_PROGRAMS.search(agent):
        yield Judgement(Verdict.HUMAN, 0.8, ["mail_program"])
    elif family := _find_browser(agent):
        yield Judgement(Verdict.HUMAN, 0.8, [f"browser:{family}"])


RULES: tuple[Callable[[Evidence], Iterator[Judgement]], ...] = (
    _own_device,
    _request_of_a_machine,
    _image_proxy,
    _scanner_network,
    _burst,
    _agent_of_a_library,
    _agent_of_a_crawler,
    _visitor,
    _agent_of_a_person,
)


def _agent(evidence: Evidence) -> str:
    return str(evidence.get("agent") or "").strip()


@lru_cache(maxsize=4096)  # a thousand patterns are slow, and few agents make most of the hits
def _is_crawler(agent: str) -> bool:
    return bool(crawleruseragents.is_crawler(agent))


def _find_browser(agent: str) -> str | None:
    parsed = ua_parser.parse(agent)
    return parsed.user_agent.family if parsed.user_agent and agent.startswith("Mozilla/") else None
