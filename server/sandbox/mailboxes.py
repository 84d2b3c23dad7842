"""The simulated recipients' way into their own stand-in mailboxes, through Google's own client library."""

import base64
from types import TracebackType
from typing import Any

import google_auth_httplib2
import httplib2
import requests
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build

from server.config import Settings
from server.sandbox.letters import Letter, read_letter

TIMEOUT_SECONDS = 10
MAX_NEW = 20
MAX_RECENT = 10


class Mailboxes:
    """One client for all recipients; not thread-safe, because httplib2 is not."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._http: dict[str, httplib2.Http] = {}
        self._plain = httplib2.Http(timeout=TIMEOUT_SECONDS)
        options = {"api_endpoint": settings.stand_in_url}
        service = build("gmail", "v1", http=self._plain, client_options=options, static_discovery=True)
        self._users = service.users()
        self._authorized: dict[str, Any] = {}

    def __enter__(self) -> "Mailboxes":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for http in (self._plain, *self._http.values()):
            http.close()

    def take_new(self, account: str) -> list[Letter]:
        """Return the unread letters of `account`, oldest first, and mark them read so that nobody acts twice."""
        letters = self._read(account, "in:inbox is:unread", MAX_NEW)
        if letters:
            body = {"ids": [letter.gmail_id for letter in letters], "removeLabelIds": ["UNREAD"]}
            self._run(account, self._users.messages().batchModify(userId="me", body=body))
        return letters

    def list_recent(self, account: str) -> list[Letter]:
        """Return what came to `account` within the last days, oldest first."""
        return self._read(account, "in:inbox is:read newer_than:3d", MAX_RECENT)

    def has_answered(self, letter: Letter) -> bool:
        """Return whether the letter's recipient has written in its thread already."""
        request = self._users.threads().get(userId="me", id=letter.thread_id, format="minimal")
        return any("SENT" in message["labelIds"] for message in self._run(letter.account, request)["messages"])

    def send(self, account: str, raw: bytes, thread_id: str | None) -> None:
        """Send a mail of `account`."""
        body = {"raw": base64.urlsafe_b64encode(raw).decode()} | ({"threadId": thread_id} if thread_id else {})
        self._run(account, self._users.messages().send(userId="me", body=body))

    def _read(self, account: str, query: str, limit: int) -> list[Letter]:
        found = self._run(account, self._users.messages().list(userId="me", q=query, maxResults=limit))
        letters = []
        for one in reversed(found.get("messages", ())):
            message = self._run(account, self._users.messages().get(userId="me", id=one["id"], format="full"))
            letters.append(read_letter(account, message, self.settings.edge_base_url))
        return letters

    def _run(self, account: str, request: Any) -> Any:
        if account not in self._authorized:
            self._authorize()
        return request.execute(http=self._authorized[account])

    def _authorize(self) -> None:
        """Take the accounts' tokens from the stand-in."""
        for account, token in fetch_tokens(self.settings).items():
            http = self._http.setdefault(account, httplib2.Http(timeout=TIMEOUT_SECONDS))
            credentials = Credentials(token=token)
            self._authorized[account] = google_auth_httplib2.AuthorizedHttp(credentials, http=http)

    def forget_tokens(self) -> None:
        """Take new tokens with the next call: the stand-in has begun anew."""
        self._authorized.clear()


def fetch_tokens(settings: Settings) -> dict[str, str]:
    """Return the stand-in's accounts with their long-lived access tokens, the demo member first."""
    answer = requests.get(f"{settings.stand_in_url}/_stand_in/accounts", timeout=TIMEOUT_SECONDS)
    answer.raise_for_status()
    return {account["email"]: account["access_token"] for account in answer.json()}
