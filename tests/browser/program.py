"""A program of the demo's member: reports engagement and makes people and tasks through the REST API."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

WAIT_SECONDS = 60
EVENING_SECONDS = 300


class Program:
    """Calls the REST API of the Warmline at `base_url` with an access token."""

    def __init__(self, base_url: str, token: str) -> None:
        self.root = f"{base_url}/api/v1"
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: str) -> Any:
        """Return what the API answers."""
        answer = requests.get(self.root + path, params=query, headers=self.headers, timeout=WAIT_SECONDS)
        assert answer.ok, answer.text
        return answer.json()

    def post(self, path: str, **fields: Any) -> Any:
        """Make something, and return what the API answers."""
        answer = requests.post(self.root + path, json=fields, headers=self.headers, timeout=WAIT_SECONDS)
        assert answer.ok, answer.text
        return answer.json()

    def change(self, path: str, **fields: Any) -> None:
        """Change some fields of something."""
        answer = requests.patch(self.root + path, json=fields, headers=self.headers, timeout=WAIT_SECONDS)
        assert answer.ok, answer.text

    def put(self, path: str) -> None:
        """Bring something into a state, such as a task into completion."""
        answer = requests.put(self.root + path, headers=self.headers, timeout=WAIT_SECONDS)
        assert answer.ok, answer.text

    def report(self, email: str, kind: str = "clicked", **fields: Any) -> None:
        """Report one fact of engagement that happened just now."""
        fact = {"id": secrets.token_hex(8), "kind": kind, "email": email, "at": tell_now(), **fields}
        assert self.post("/events", events=[fact]) == {"accepted": 1, "known": 0, "refused": []}

    def add_person(self, name: str, **fields: Any) -> tuple[int, str]:
        """Add a person of the member's, and return their id and address."""
        email = f"{secrets.token_hex(6)}@prospects.example"
        return self.post("/people", email=email, name=name, **fields)["id"], email

    def add_task(self, name: str, days: int = 0, **fields: Any) -> int:
        """Add a task that is due in `days` from today."""
        due_on = (datetime.now(UTC).date() + timedelta(days=days)).isoformat()
        task_id: int = self.post("/tasks", name=name, due_on=due_on, **fields)["id"]
        return task_id


def begin_day() -> None:
    """Let a day (UTC) that is about to end do so: what a test then puts on a day stays there while it looks."""
    left = 86_400 - time.time() % 86_400
    if left < EVENING_SECONDS:
        time.sleep(left)


def tell_now() -> str:
    """Return the time as the API reads it."""
    return datetime.now(UTC).isoformat()
