"""The only way to a mailbox: each call once, each failure translated here, exactly once, with what it means."""

import base64
import contextlib
import json
import re
import ssl
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, TypeVar

import google_auth_httplib2
from cryptography.exceptions import InvalidTag
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from httplib2.error import HttpLib2Error, ServerNotFoundError

from server.clock import now
from server.config import get_settings
from server.gmail.access import AccessTokens, get_refresh_token, make_credentials
from server.gmail.answers import Draft, HistoryPage, MessagePage, Profile, RawMail, Sent, Watch, read_headers
from server.gmail.errors import GmailFailure, HistoryExpired, NotFound, RateLimited, TokenRevoked
from server.gmail.models import Mailbox
from server.gmail.transport import OneTryHttp

RATE_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"})
SCOPE_REASONS = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
UNREACHED = (ServerNotFoundError, ConnectionRefusedError, ssl.SSLCertVerificationError)
HISTORY_PAGE_SIZE = 100
DRAFTS_LOOKED_AT = 20

Shape = TypeVar("Shape")
access_tokens = AccessTokens()


class Gmail:
    """One mailbox's API. One instance per job; not thread-safe, because httplib2 is not.

    Every call raises a `GmailFailure`; `in_doubt` says that an effect may have happened all the same.
    """

    def __init__(self, mailbox: Mailbox, credentials: Any, endpoint: str) -> None:
        self._mailbox_id, self._email = mailbox.id, mailbox.email  # a row may ask the database for its fields
        self._credentials = credentials
        self._http = OneTryHttp()
        authorized = google_auth_httplib2.AuthorizedHttp(credentials, http=self._http)
        options = {"api_endpoint": endpoint} if endpoint else None
        service = build(
            "gmail", "v1", http=authorized, static_discovery=True, cache_discovery=False, client_options=options
        )
        self._users = service.users()

    @classmethod
    def open(cls, mailbox: Mailbox) -> "Gmail":
        """Return the API of `mailbox`, with the settings and keys of the current app; no call is made yet."""
        try:
            refresh_token = get_refresh_token(mailbox)
        except (InvalidTag, KeyError) as error:
            raise GmailFailure(
                f"The keys of this installation do not open the token of {mailbox.email}. Restore WARMLINE_KEYS or "
                "keys.json, or connect the mailbox again.",
                permanent=True,
            ) from error
        if refresh_token is None:
            raise TokenRevoked(f"{mailbox.email} is not connected. Connect it again on the page Mailboxes.")
        settings = get_settings()
        credentials = make_credentials(settings, refresh_token, access_tokens.find(mailbox.id, refresh_token))
        return cls(mailbox, credentials, settings.gmail_api_endpoint)

    def __enter__(self) -> "Gmail":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()  # type: ignore[no-untyped-call]

    def create_draft(self, raw: bytes, thread_id: str | None = None) -> Draft:
        """Add a draft holding the RFC 5322 message `raw`, in `thread_id` where one is given."""
        message = {"raw": base64.urlsafe_b64encode(raw).decode()} | ({"threadId": thread_id} if thread_id else {})
        return self._call(self._users.drafts().create(userId="me", body={"message": message}), Draft.read)

    def send_draft(self, draft_id: str) -> Sent:
        """Send the draft; it is gone afterwards. `NotFound` where it is gone already."""
        return self._call(self._users.drafts().send(userId="me", body={"id": draft_id}), Sent.read)

    def has_draft(self, draft_id: str) -> bool:
        """Return whether the draft still exists, that is, has neither been sent nor deleted."""
        try:
            self._call(self._users.drafts().get(userId="me", id=draft_id, format="minimal"), dict)
        except NotFound:
            return False
        return True

    def find_draft(self, header: str, value: str) -> Draft | None:
        """Return the draft whose `header` has exactly `value`, among the newest `DRAFTS_LOOKED_AT`."""
        request = self._users.drafts().list(userId="me", maxResults=DRAFTS_LOOKED_AT)
        drafts = self._call(request, lambda answer: [Draft.read(draft) for draft in answer.get("drafts", ())])
        for draft in drafts:
            with contextlib.suppress(NotFound):
                if self.get_headers(draft.gmail_id, [header]).get(header.lower()) == value:
                    return draft
        return None

    def delete_draft(self, draft_id: str) -> None:
        """Delete the draft; nothing happens where it is gone already."""
        with contextlib.suppress(NotFound):
            self._call(self._users.drafts().delete(userId="me", id=draft_id), lambda _answer: None)

    def find_sent(self, thread_id: str, header: str, value: str) -> Sent | None:
        """Return the sent mail of `thread_id` whose `header` has exactly `value`."""
        request = self._users.threads().get(userId="me", id=thread_id, format="metadata", metadataHeaders=[header])
        try:
            messages = self._call(request, lambda answer: list(answer.get("messages", ())))
        except NotFound:
            return None
        for message in messages:
            if "SENT" in message.get("labelIds", ()) and read_headers(message).get(header.lower()) == value:
                return Sent.read(message)
        return None

    def get_headers(self, gmail_id: str, names: Iterable[str]) -> dict[str, str]:
        """Return those of the mail's headers `names` that it has, by lower-case name."""
        request = self._users.messages().get(
            userId="me", id=gmail_id, format="metadata", metadataHeaders=list(names)
        )  # fmt: skip
        return self._call(request, read_headers)

    def get_raw(self, gmail_id: str) -> RawMail:
        """Return the whole mail as it came."""
        return self._call(self._users.messages().get(userId="me", id=gmail_id, format="raw"), RawMail.read)

    def get_profile(self) -> Profile:
        """Return the mailbox's address and the newest point of its history."""
        return self._call(self._users.getProfile(userId="me"), Profile.read)

    def list_history(self, start: int, page_token: str | None = None) -> HistoryPage:
        """Return one page of mail that came in after `start`; `HistoryExpired` when Gmail no longer knows it."""
        request = self._users.history().list(
            userId="me",
            startHistoryId=str(start),
            historyTypes=["messageAdded"],
            maxResults=HISTORY_PAGE_SIZE,
            pageToken=page_token,
        )
        try:
            return self._call(request, HistoryPage.read)
        except NotFound as error:
            raise HistoryExpired(f"Gmail no longer knows the history of {self._email} since {start}") from error

    def list_message_ids(self, query: str, page_token: str | None = None) -> MessagePage:
        """Return one page of the ids of mails that match `query` (Gmail's search), newest first."""
        request = self._users.messages().list(
            userId="me", q=query, maxResults=HISTORY_PAGE_SIZE, includeSpamTrash=True, pageToken=page_token
        )
        return self._call(request, MessagePage.read)

    def watch(self, topic: str) -> Watch:
        """Ask for pushes to the Pub/Sub `topic`, without a label filter; repeating it renews."""
        return self._call(self._users.watch(userId="me", body={"topicName": topic}), Watch.read)

    def stop(self) -> None:
        """Ask for no more pushes."""
        self._call(self._users.stop(userId="me"), lambda _answer: None)

    def _call(self, request: Any, shape: Callable[[Any], Shape]) -> Shape:
        try:
            # Before the call, so that a failed refresh is never mistaken for an effect in doubt.
            self._refresh_token_if_needed()
            return shape(request.execute(num_retries=0))
        except HttpError as error:
            raise _from_answer(error, self._email) from error
        except RefreshError as error:
            raise from_refresh(error, self._email) from error
        except (GoogleAuthError, HttpLib2Error, HTTPException, OSError) as error:
            raise _from_connection(error) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise GmailFailure("Gmail answered in a form that Warmline does not know", in_doubt=True) from error
        finally:
            access_tokens.keep(self._mailbox_id, self._credentials)

    def _refresh_token_if_needed(self) -> None:
        if self._credentials.valid:
            return
        try:
            self._credentials.refresh(google_auth_httplib2.Request(self._http))
        except OSError as error:
            raise TransportError(error) from error


def from_refresh(error: RefreshError, email: str) -> GmailFailure:
    """Return what it means that Google gave no access token for the mailbox `email`."""
    answer = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
    reason = answer.get("error", "")
    if reason == "invalid_grant":
        return TokenRevoked(f"Google no longer lets Warmline into {email}. Connect it again on the page Mailboxes.")
    if reason in ("invalid_client", "unauthorized_client"):
        return GmailFailure(
            f"Google does not accept this OAuth client ({reason}). Check GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET.",
            permanent=True,
        )
    return GmailFailure(f"Google gave no access token for {email} ({reason or 'no reason given'})")


def _from_answer(error: HttpError, email: str) -> GmailFailure:
    status, (message, reasons) = int(error.resp.status), _read_error(error.content)
    if status == 429 or (status == 403 and reasons & RATE_REASONS):
        seconds = _read_retry_after(error.resp.get("retry-after", ""), message)
        return RateLimited(f"Gmail's quota for {email} is used up for now", retry_after_seconds=seconds)
    if status == 404:
        return NotFound(f"Gmail has no such thing in {email} (any more)")
    if status == 401:
        return GmailFailure(f"Gmail did not accept the access token for {email}")
    if status == 403 and reasons & SCOPE_REASONS:
        return GmailFailure(
            f"Warmline lacks a permission in {email}. Connect it again and tick every permission.", permanent=True
        )
    why = ", ".join(sorted(reasons)) or "no reason given"
    if status >= 500 or status == 408:
        return GmailFailure(f"Gmail has trouble ({status}, {why})", in_doubt=True)
    return GmailFailure(f"Gmail refused the call for {email} ({status}, {why})", permanent=status != 409)


def _from_connection(error: Exception) -> GmailFailure:
    # google-auth meets only the token endpoint; a name or port that was never reached has done nothing.
    in_doubt = not isinstance(error, (GoogleAuthError, *UNREACHED))
    return GmailFailure(f"Gmail could not be reached, or did not answer ({type(error).__name__})", in_doubt=in_doubt)


def _read_error(content: bytes) -> tuple[str, set[str]]:
    """Return message and reasons of Google's error, in its older (`errors`) and newer (`details`) shape."""
    with contextlib.suppress(ValueError, AttributeError, TypeError):
        error = json.loads(content)["error"] if b'"error"' in content else {}
        entries = [*error.get("errors", ()), *error.get("details", ())]
        return str(error.get("message", "")), {str(entry["reason"]) for entry in entries if "reason" in entry}
    return "", set()


def _read_retry_after(header: str, message: str) -> int | None:
    """Return the seconds to wait: `Retry-After` (RFC 9110 §10.2.3), else the time that Gmail puts into its text."""
    if header.isascii() and header.isdigit():
        return int(header)
    with contextlib.suppress(ValueError):
        return _seconds_until(parsedate_to_datetime(header))
    if found := re.search(r"Retry after (\d{4}-\d\d-\d\dT[\d:.]+Z)", message):
        with contextlib.suppress(ValueError):
            return _seconds_until(datetime.fromisoformat(found[1]))
    return None


def _seconds_until(at: datetime) -> int:
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0, round((at - now()).total_seconds()))
