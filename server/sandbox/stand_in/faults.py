"""The fault script: rules by which the stand-in fails as Google, or the network before it, sometimes does.

A dropped answer must look like a cut connection to the client, never like an answer: a full Content-Length is promised,
and the connection ends in the body's middle, which http.client reports as IncompleteRead. The head has to be out before
the cut: where not even that arrives, httplib2 silently sends the request again, and nobody sees a failure. So more of
the body goes before the cut than a server holds back.
"""

import random
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

from flask import Flask, Response, current_app, g, request

from server.sandbox.stand_in.errors import GoogleError, OAuthError, make_invalid
from server.sandbox.stand_in.rest import make_unauthenticated

PROMISED_BYTES = 4 * 2**20
PIECES, PIECE_BYTES = 16, 2**16  # granian holds back 408 KB at most
RATE_MESSAGE = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of service 'gmail'."
FAULTS = {
    "403rateLimit": GoogleError(
        403, "rateLimitExceeded", RATE_MESSAGE, status="PERMISSION_DENIED", domain="usageLimits"
    ),
    "429": GoogleError(429, "rateLimitExceeded", "Too many concurrent requests for user", domain="usageLimits"),
    "500": GoogleError(500, "backendError", "Internal error encountered."),
    "503": GoogleError(503, "backendError", "The service is currently unavailable."),
    "401": make_unauthenticated(),
    "history404": GoogleError(404, "notFound", "Requested entity was not found."),
    "invalid_grant": OAuthError("invalid_grant", "Token has been expired or revoked."),
}
NAMED = (*FAULTS, "drop_before", "drop_after")


class ConnectionCut(Exception):
    """Ends a response in the middle of its body; the server answers it by closing the connection."""


@dataclass
class Rule:
    """One fault: for which calls, how often (`probability`, drawn from `seed`, and at most `count` times), and what."""

    match: str
    fault: str | dict[str, int]
    probability: float = 1.0
    count: int | None = None
    seed: int = 0
    hits: int = 0
    draw: random.Random = field(default_factory=random.Random, repr=False)

    def applies(self, name: str, line: str) -> bool:
        """Return whether this call fails now; draws once for each call that matches."""
        if name != self.match and not re.search(self.match, line):
            return False
        if self.count is not None and self.hits >= self.count:
            return False
        return self.draw.random() < self.probability

    def show(self) -> dict[str, Any]:
        """Return the rule as JSON, with how often it struck."""
        return {key: value for key, value in asdict(self).items() if key != "draw"}


class FaultScript:
    """The rules of one stand-in, in the order in which they are tried; the first that applies strikes."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._lock = Lock()

    def replace(self, rules: list[dict[str, Any]]) -> None:
        """Put new rules in place of the old ones; raises 400 for one that cannot be used."""
        made = [_make_rule(rule) for rule in rules]
        with self._lock:
            self.rules = made

    def take(self, name: str, line: str) -> str | dict[str, int] | None:
        """Return the fault that strikes this call, counted, or None."""
        with self._lock:
            for rule in self.rules:
                if rule.applies(name, line):
                    rule.hits += 1
                    return rule.fault
        return None


def _make_rule(given: dict[str, Any]) -> Rule:
    try:
        rule = Rule(**{key: given[key] for key in given if key != "hits"})
        re.compile(rule.match)
    except (TypeError, re.error) as error:
        raise make_invalid(f"Not a fault rule: {given!r} ({error})") from error
    delay = rule.fault.get("delay") if isinstance(rule.fault, dict) else None
    if rule.fault not in NAMED and not isinstance(delay, int):
        raise make_invalid(f'{rule.fault!r} is not a fault; known are {", ".join(NAMED)} and {{"delay": milliseconds}}')
    rule.draw = random.Random(rule.seed)  # noqa: S311 - repeatable on purpose
    return rule


def get_script() -> FaultScript:
    """Return the fault script of the current app."""
    script: FaultScript = current_app.extensions["stand_in_faults"]
    return script


def init_app(app: Flask) -> None:
    """Let the fault script act on every call of `app` but those that steer it."""
    app.extensions["stand_in_faults"] = FaultScript()
    app.before_request(_strike)
    app.after_request(_drop_afterwards)


def _strike() -> Response | None:
    if request.path.startswith("/_stand_in/") or request.endpoint is None:
        return None
    is_ours = request.blueprint in current_app.blueprints  # Gmail's own methods have a dot in their name too
    name = request.endpoint.rpartition(".")[2] if is_ours else request.endpoint
    fault = get_script().take(name, f"{request.method} {request.path}")
    if isinstance(fault, dict):
        time.sleep(fault["delay"] / 1000)
    elif fault == "drop_before":
        request.get_data()  # a client that still writes would see a broken pipe and no head
        return _make_cut()
    elif fault == "drop_after":
        g.drops_answer = True
    elif fault is not None:
        raise FAULTS[fault]
    return None


def _drop_afterwards(response: Response) -> Response:
    return _make_cut() if g.pop("drops_answer", False) else response


def _make_cut() -> Response:
    def body() -> Iterator[bytes]:
        yield b'{"'
        for _ in range(PIECES):
            yield b" " * PIECE_BYTES
        raise ConnectionCut("the fault script dropped this answer")

    return Response(body(), content_type="application/json", headers={"Content-Length": str(PROMISED_BYTES)})
