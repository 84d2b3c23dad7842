"""The Gmail stand-in for tests: one real server process, emptied before each test that uses it.

In a room's conftest:

    from tests.stand_in import stand_in, stand_in_server  # noqa: F401 - fixtures

    @pytest.fixture
    def settings(settings: Settings, stand_in: StandIn) -> Settings:
        return stand_in.point(settings)
"""

import base64
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build

from server.config import Settings
from tests.ports import find_ports

ROOT = Path(__file__).parent.parent
START_SECONDS = 120
WAIT_SECONDS = 60
STOP_SECONDS = 60
DEMO = "riley@warmline.example"
FLYNN = "flynn@flynnsarcade.com"
KEVIN = "kevinf@flynnsarcade.com"
ALAN = "alan@encom.com"
LORA = "lora@encom.com"

Found = TypeVar("Found")


def wait_until(look: Callable[[], Found], what: str = "it") -> Found:
    """Return the first true thing that `look` returns; fails after `WAIT_SECONDS`."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not happen within {WAIT_SECONDS} s"
        time.sleep(0.02)
    return found


@dataclass
class StandIn:
    """A running stand-in. `tokens` are the accounts' long-lived access tokens by address."""

    url: str
    home: Path
    tokens: dict[str, str] = field(default_factory=dict)
    _services: dict[str, Any] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """The port at which it answers."""
        return urlsplit(self.url).port or 0

    def point(self, settings: Settings) -> Settings:
        """Return the same installation with this stand-in as its Google."""
        names = ("warmline_home", "database_url", "redis_url", "port", "edge_port", "stream_port")
        kept: dict[str, Any] = {name: getattr(settings, name) for name in names}
        return Settings(_env_file=None, stand_in_port=self.port, **kept)  # type: ignore[call-arg]

    def steer(self, method: str, path: str, body: object = None) -> Any:
        """Call an address under /_stand_in/ and return its JSON."""
        answer = requests.request(method, f"{self.url}/_stand_in/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def reset(self) -> None:
        """Begin again with the default accounts."""
        self.close()
        self.tokens = {one["email"]: one["access_token"] for one in self.steer("POST", "reset")}

    def close(self) -> None:
        """Close all clients."""
        for service in self._services.values():
            service.close()
        self._services.clear()

    def add_account(self, email: str, name: str = "") -> None:
        """Add an account."""
        self.tokens[email] = self.steer("POST", "accounts", {"email": email, "name": name})["access_token"]

    def script(self, *rules: dict[str, Any]) -> None:
        """Replace the fault script, e.g. `{"match": "drafts.send", "count": 1, "fault": "drop_after"}`."""
        self.steer("PUT", "faults", list(rules))

    def gmail(self, email: str, token: str | None = None) -> Any:
        """Return google-api-python-client's `users()` for an account; not for several threads at once."""
        token = token or self.tokens[email]
        if token not in self._services:
            options = {"api_endpoint": self.url}
            self._services[token] = build(
                "gmail", "v1", credentials=Credentials(token=token), client_options=options, static_discovery=True
            )
        return self._services[token].users()

    def send(self, sender: str, to: str, subject: str = "Hello", text: str = "Hi", **more: Any) -> dict[str, Any]:
        """Send a mail as an account; `more` are headers (`Message_ID` → `Message-ID`), `html` and `threadId`."""
        body = {"raw": make_raw(to, subject, text, **more)}
        if thread_id := more.get("threadId"):
            body["threadId"] = thread_id
        sent: dict[str, Any] = self.gmail(sender).messages().send(userId="me", body=body).execute()
        return sent

    def list_inbox(self, email: str, query: str = "in:inbox") -> list[dict[str, Any]]:
        """Return an account's mails, newest first, with their headers by lower-case name under `headers`."""
        messages = self.gmail(email).messages()
        found = messages.list(userId="me", q=query).execute().get("messages", [])
        mails = [messages.get(userId="me", id=one["id"]).execute() for one in found]
        for mail in mails:
            mail["headers"] = {one["name"].lower(): one["value"] for one in mail["payload"]["headers"]}
        return mails

    def consent(self, url: str, email: str, scopes: list[str] | None = None, decision: str = "") -> dict[str, str]:
        """Decide on the consent page at `url` and return what the client gets back in the query."""
        decision = decision or ("allow_all" if scopes is None else "allow")
        data = {"account": email, "decision": decision, "granted_scope": scopes or []}
        answer = requests.post(url, data=data, allow_redirects=False, timeout=30)
        assert answer.status_code == 302, answer.text
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        return {name: values[0] for name, values in query.items()}


def make_raw(to: str, subject: str, text: str = "Hi", **more: Any) -> str:
    """Return a mail in base64url, as Gmail's `raw` wants it."""
    message = EmailMessage()
    message["To"], message["Subject"] = to, subject
    for name, value in more.items():
        if name not in ("html", "threadId"):
            message[name.replace("_", "-")] = value
    message.set_content(text)
    if "html" in more:
        message.add_alternative(more["html"], subtype="html")
    return base64.urlsafe_b64encode(message.as_bytes()).decode()


@pytest.fixture(scope="session")
def stand_in_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """A stand-in process for this test run; pushes go nowhere until a test says where."""
    home = tmp_path_factory.mktemp("stand-in")
    port = find_ports()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--no-ws", "--workers", "1",
               "--blocking-threads", "8", "--workers-kill-timeout", "5", "--host", "127.0.0.1", "--port", str(port),
               "--log-level", "error", "server.sandbox.stand_in:create_app"]  # fmt: skip
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GOOGLE_", "GMAIL_", "PUBSUB_"))},
        "WARMLINE_HOME": str(home),
        "STAND_IN_PORT": str(port),
        "GMAIL_NOTIFICATIONS": "poll",
    }
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    server = StandIn(f"http://127.0.0.1:{port}", home)
    try:
        _wait_until_up(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _wait_until_up(server: StandIn, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            requests.get(f"{server.url}/healthz", timeout=5).raise_for_status()
            return
        except requests.RequestException:
            alive = process.poll() is None and time.monotonic() < deadline
            assert alive, (server.home / "log").read_text()
            time.sleep(0.05)


@pytest.fixture
def stand_in(stand_in_server: StandIn) -> Iterator[StandIn]:
    """The stand-in with its default accounts and no mail."""
    stand_in_server.reset()
    yield stand_in_server
    stand_in_server.script()
    stand_in_server.steer("PUT", "push", {"endpoint": ""})
    stand_in_server.close()
