"""Tokens that Google signs about who is speaking: a member who signs in, or Pub/Sub that pushes (OpenID Connect)."""

import re
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

import requests
import structlog
from google.auth import jwt
from google.auth.exceptions import GoogleAuthError

from server.errors import ForeignFailure, Refused

log = structlog.get_logger()

ISSUERS = ("accounts.google.com", "https://accounts.google.com")
CLOCK_SKEW_SECONDS = 10
CERTS_TIMEOUT_SECONDS = 5
CERTS_FRESH_SECONDS = 3600  # where Google names no time of its own
CERTS_KEPT_SECONDS = 86_400
UNKNOWN_KEY_PAUSE_SECONDS = 60


class BadToken(Refused):
    """The token is not from Google, or not for us; which of the two decides the `status`: 401 or 403."""


class Certs:
    """The public keys at one address, by key id: asked for again when stale, kept for a day while Google is away.

    Plain HTTP caching (cachecontrol) would forget them with the minute in which Google cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = Lock()
        self._certs: dict[str, str] = {}
        self._fetched = self._fresh_until = float("-inf")

    def get(self, key_id: str) -> Mapping[str, str]:
        """Return the certificates; one that lacks `key_id` is asked for again, at most once a minute."""
        with self._lock:
            age = time.monotonic() - self._fetched
            is_fresh = time.monotonic() < self._fresh_until
            if is_fresh and (key_id in self._certs or age < UNKNOWN_KEY_PAUSE_SECONDS):
                return self._certs
            try:
                self._fetch()
            except (requests.RequestException, ValueError) as error:
                if age > CERTS_KEPT_SECONDS:
                    raise ForeignFailure(
                        f"Google's certificates at {self.url} cannot be had ({type(error).__name__})", permanent=False
                    ) from error
                log.warning("certificates are stale and cannot be renewed", url=self.url, error=type(error).__name__)
            return self._certs

    def _fetch(self) -> None:
        answer = requests.get(self.url, timeout=CERTS_TIMEOUT_SECONDS, allow_redirects=False)
        answer.raise_for_status()
        certs = answer.json()
        if not isinstance(certs, dict) or not certs or not all(isinstance(pem, str) for pem in certs.values()):
            raise ValueError("not a map of key ids to certificates")
        max_age = re.search(r"max-age=(\d{1,9})", answer.headers.get("Cache-Control", ""))
        self._certs, self._fetched = certs, time.monotonic()
        self._fresh_until = self._fetched + (int(max_age[1]) if max_age else CERTS_FRESH_SECONDS)


_certs: dict[str, Certs] = {}
_certs_lock = Lock()


def find_certs(url: str) -> Certs:
    """Return this process's certificates of `url`."""
    with _certs_lock:
        return _certs.setdefault(url, Certs(url))


def verify_id_token(token: str, certs: Certs, audience: str) -> dict[str, Any]:
    """Return the claims of a token that Google signed for `audience`.

    Raises `BadToken` 401 for what Google did not sign or what is not valid now, 403 for another issuer or audience, and
    a transient `ForeignFailure` when the certificates cannot be had. Only RS256 counts: the token's own header must
    not choose the algorithm (RFC 8725 §3.1).
    """
    try:
        header = jwt.decode_header(token)
        key_id = header.get("kid")
        if header.get("alg") != "RS256" or not isinstance(key_id, str):
            raise ValueError("not an RS256 token with a key id")
        claims = dict(jwt.decode(token, certs=certs.get(key_id), clock_skew_in_seconds=CLOCK_SKEW_SECONDS))
    except (GoogleAuthError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadToken("This token was not signed by Google, or it is not valid now.", status=401) from error
    if claims.get("iss") not in ISSUERS or claims.get("aud") != audience:
        raise BadToken("This token was made for somebody else.", status=403)
    return claims
