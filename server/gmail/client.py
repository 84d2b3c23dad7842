"""The only way to a mailbox: each call once, each failure translated once (failures.py), with what it means."""

import base64
import contextlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import google_auth_httplib2
from cryptography.exceptions import InvalidTag
from google.auth.exceptions import TransportError
from googleapiclient.discovery import build
from googleapiclient.http import MediaInMemoryUpload

from server.config import get_settings
from server.gmail.access import AccessTokens, get_refresh_token, make_credentials
from server.gmail.answers import Draft, HistoryPage, MessagePage, Profile, RawMail, Sent, Watch, read_headers
from server.gmail.errors import GmailFailure, HistoryExpired, NotFound, TokenRevoked
from server.gmail.failures import FAILURES, translate
from server.gmail.models import Mailbox
from server.gmail.transport import OneTryHttp

HISTORY_PAGE_SIZE = 100
INLINE_BYTES = 3 * 2**20  # Gmail takes larger mails only as uploads
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
        self._endpoint = endpoint
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
        thread = {"threadId": thread_id} if thread_id else {}
        if len(raw) > INLINE_BYTES:
            return self._call(self._upload_draft(raw, thread), Draft.read)
        message = {"raw": base64.urlsafe_b64encode(raw).decode()} | thread
        return self._call(self._users.drafts().create(userId="me", body={"message": message}), Draft.read)

    def _upload_draft(self, raw: bytes, thread: dict[str, str]) -> Any:
        media = MediaInMemoryUpload(raw, "message/rfc822")
        request = self._users.drafts().create(userId="me", body={"message": thread}, media_body=media)
        if self._endpoint:  # the library takes an endpoint's name for uploads, but not its scheme
            request.uri = self._endpoint + request.uri[request.uri.index("/upload/") :]
        return request

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

    def find_draft(self, header: str, value: str, query: str) -> Draft | None:
        """Return the draft whose `header` has exactly `value`, among the newest few that match the search `query`."""
        request = self._users.drafts().list(userId="me", q=query, maxResults=DRAFTS_LOOKED_AT)
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
        except FAILURES as error:
            raise translate(error, self._email) from error
        finally:
            access_tokens.keep(self._mailbox_id, self._credentials)

    def _refresh_token_if_needed(self) -> None:
        if self._credentials.valid:
            return
        try:
            self._credentials.refresh(google_auth_httplib2.Request(self._http))
        except OSError as error:
            raise TransportError(error) from error
