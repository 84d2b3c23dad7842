"""The tokens of a mailbox: the refresh token sealed in its row, the short-lived access token in this process only."""

from datetime import datetime
from threading import Lock
from typing import NamedTuple

from google.oauth2.credentials import Credentials

from server.config import Settings
from server.gmail.models import Mailbox
from server.keys import get_keys

PURPOSE = "gmail-refresh-token"


class AccessToken(NamedTuple):
    """An access token and when it ends: naive UTC, as google-auth wants it."""

    token: str
    expiry: datetime


class AccessTokens:
    """Access tokens of this process by mailbox, so that not every job begins with a refresh."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[int | None, tuple[str, AccessToken]] = {}

    def find(self, mailbox_id: int | None, refresh_token: str) -> AccessToken | None:
        """Return the access token last used for the mailbox, unless it was linked anew since."""
        with self._lock:
            linked_by, token = self._kept.get(mailbox_id, ("", None))
        return token if linked_by == refresh_token else None

    def keep(self, mailbox_id: int | None, credentials: Credentials) -> None:
        """Keep the access token that `credentials` hold now."""
        token, expiry, refresh_token = credentials.token, credentials.expiry, credentials.refresh_token
        if token is None or expiry is None or refresh_token is None:
            return
        with self._lock:
            self._kept[mailbox_id] = (refresh_token, AccessToken(token, expiry))

    def forget(self) -> None:
        """Drop all tokens."""
        with self._lock:
            self._kept.clear()


def make_credentials(settings: Settings, refresh_token: str, access: AccessToken | None = None) -> Credentials:
    """Return google-auth's credentials, which refresh themselves at `settings.google_token_uri`."""
    return Credentials(
        token=access.token if access else None,
        expiry=access.expiry if access else None,
        refresh_token=refresh_token,
        token_uri=settings.google_token_uri,
        client_id=settings.google_client_id,
        client_secret=settings.google_client_secret,
    )


def seal_refresh_token(mailbox: Mailbox, refresh_token: str) -> None:
    """Put `refresh_token` into the row, readable only together with the row's id (which must exist)."""
    mailbox.refresh_token_sealed = get_keys().seal(PURPOSE, refresh_token, bound_to=f"mailbox:{mailbox.id}")


def get_refresh_token(mailbox: Mailbox) -> str | None:
    """Return the refresh token of `mailbox`, None where it has none; raises `InvalidTag` where it was tampered with."""
    if mailbox.refresh_token_sealed is None:
        return None
    return get_keys().unseal(PURPOSE, mailbox.refresh_token_sealed, bound_to=f"mailbox:{mailbox.id}")
