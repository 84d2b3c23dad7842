"""How the lab's clients fetch: the step's own program, address, headers and moment, on the real edge."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import requests
from urllib3.util import SKIP_HEADER

from server.errors import ForeignFailure
from server.keys import Keyring
from server.sandbox.lab.scenarios import Step
from server.tracking.devices import COOKIE_NAME, device_cookie
from server.tracking.simulation import HEADER, sign_address

TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to the edge."""

    method: str
    url: str
    headers: dict[str, str]


Fetch = Callable[[Visit], int]


def make_visit(keys: Keyring, step: Step, url: str, sent_at: datetime, devices: dict[str, str]) -> Visit:
    """Return the request that `step` makes of `url`; `devices` are ids by whose they are."""
    at_ms = round((sent_at + timedelta(milliseconds=step.at_ms)).timestamp() * 1000)
    headers = {"User-Agent": step.agent or SKIP_HEADER, HEADER: sign_address(keys, step.ip, at_ms), **step.headers}
    if step.device:
        headers["Cookie"] = f"{COOKIE_NAME}={device_cookie(keys, devices[step.device])}"
    return Visit(step.method, url, headers)


def fetch(visit: Visit) -> int:
    """Make the request and return the status; a redirect to a link's target is not followed."""
    with requests.Session() as client:
        client.trust_env = False
        client.headers.clear()
        try:
            with client.request(
                visit.method, visit.url, headers=visit.headers, timeout=TIMEOUT_SECONDS, allow_redirects=False
            ) as answer:
                return answer.status_code
        except requests.RequestException as error:
            origin = visit.url.split("/o/")[0].split("/c/")[0]
            message = f"The edge does not answer at {origin}; is EDGE_BASE_URL right, and reachable from here?"
            raise ForeignFailure(message, permanent=False) from error
