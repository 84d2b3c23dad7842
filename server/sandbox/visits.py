"""How the simulated recipients' programs fetch images and links: real agents, real HTTP, never beyond the edge."""

from dataclasses import dataclass, field

import requests

from server.keys import Keyring
from server.tracking.simulation import HEADER, sign_address

TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Agent:
    """A program that fetches for a recipient, from an address that it claims with our own signature."""

    user_agent: str
    address: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)


CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1"
)
GMAIL_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
APPLE_PROXY = "Mozilla/5.0"

SANTA_MONICA = Agent(CHROME, "76.90.1.20", headers={"Accept-Language": "en-US,en;q=0.9"})
PARIS = Agent(IPHONE, "90.84.10.5", headers={"Accept-Language": "fr-FR,fr;q=0.9"})
BERLIN = Agent(FIREFOX, "91.64.20.14", headers={"Accept-Language": "de,en-US;q=0.7,en;q=0.3"})
HAMBURG = Agent(IPHONE, "80.171.5.30", headers={"Accept-Language": "de-DE,de;q=0.9"})
BENGALURU = Agent(CHROME, "49.207.50.11", headers={"Accept-Language": "en-IN,en;q=0.9"})
GMAIL = Agent(GMAIL_PROXY, "66.249.84.101")
APPLE = Agent(APPLE_PROXY, "172.224.226.10")
SCANNER = Agent(CHROME, "40.94.20.7", headers={"Accept": "*/*"})
SCANNER_HEAD = Agent(CHROME, "40.94.20.7", method="HEAD", headers={"Accept": "*/*"})


def fetch(client: requests.Session, keys: Keyring, agent: Agent, url: str) -> int:
    """Fetch `url` as `agent` and return the status; a redirect to the link's target outside is not followed."""
    headers = {"User-Agent": agent.user_agent, HEADER: sign_address(keys, agent.address), **agent.headers}
    with client.request(
        agent.method, url, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False, cookies={}
    ) as answer:
        return answer.status_code
