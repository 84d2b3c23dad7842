"""OAuth 2 with Google: where to send the member, what the returned code is worth, and taking it back.

PKCE binds the code to the browser session that asked for it, so the ID token needs no nonce (RFC 9700 §2.1.1). It comes
straight from Google's token endpoint and is verified all the same.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import requests
from flask_babel import gettext as _
from google_auth_oauthlib.flow import Flow
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError, OAuth2Error

from server.config import Settings
from server.errors import Refused
from server.gmail.errors import GmailFailure
from server.gmail.id_tokens import BadToken, find_certs, verify_id_token

EMAIL_SCOPE = "https://www.googleapis.com/auth/userinfo.email"
PROFILE_SCOPE = "https://www.googleapis.com/auth/userinfo.profile"
READ_SCOPE = "https://www.googleapis.com/auth/gmail.readonly"
COMPOSE_SCOPE = "https://www.googleapis.com/auth/gmail.compose"
SIGN_IN_SCOPES = frozenset({"openid", EMAIL_SCOPE, PROFILE_SCOPE})
MAILBOX_SCOPES = frozenset({"openid", EMAIL_SCOPE, READ_SCOPE, COMPOSE_SCOPE})
SHORT_NAMES = {"email": EMAIL_SCOPE, "profile": PROFILE_SCOPE}
TIMEOUT_SECONDS = 15
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class OAuthRefused(Refused):
    """The authorization did not come to a good end; the message says what to do next."""


class OAuthCancelled(OAuthRefused):
    """The user said no on Google's page."""


class OAuthMismatch(OAuthRefused):
    """The answer does not belong to a request that this browser made."""


class OAuthReplayed(OAuthRefused):
    """The answer was used before."""


class OAuthScopesMissing(OAuthRefused):
    """The user did not tick every permission; `missing` names the scopes."""

    def __init__(self, message: str, missing: frozenset[str]) -> None:
        super().__init__(message)
        self.missing = missing


class OAuthOddAnswer(OAuthRefused):
    """Google answered with something that the protocol does not foresee here."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """Where to send the browser, and what to keep in its session until it comes back."""

    url: str
    state: str
    code_verifier: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What the user granted, and who they are. `refresh_token` is empty for a mere sign-in."""

    refresh_token: str
    access_token: str
    scopes: frozenset[str]
    subject: str
    email: str
    email_verified: bool
    name: str = ""


def make_authorization(
    settings: Settings, redirect_uri: str, scopes: frozenset[str], login_hint: str | None = None
) -> Authorization:
    """Return the address of Google's consent page for `scopes`, with a fresh state and PKCE verifier.

    Where Gmail is among the scopes, lasting (`offline`) access is asked for; Google gives the refresh token only with
    `prompt=consent`.
    """
    lasting = COMPOSE_SCOPE in scopes
    extra = {"login_hint": login_hint} if login_hint else {}
    flow = _make_flow(settings, redirect_uri, scopes)
    with _plain_http_on_loopback(settings.google_auth_uri):
        url, state = flow.authorization_url(
            access_type="offline" if lasting else "online", prompt="consent" if lasting else "select_account", **extra
        )
    return Authorization(url, state, flow.code_verifier)


def exchange(settings: Settings, redirect_uri: str, code: str, code_verifier: str) -> Grant:
    """Return what `code` is worth at Google, with the ID token verified.

    Raises `OAuthReplayed` for a used or expired code, `OAuthOddAnswer` for what makes no sense, and a transient
    `GmailFailure` when Google cannot be reached.
    """
    # Without scopes: users may tick fewer, and oauthlib would raise a bare Warning for that.
    flow = _make_flow(settings, redirect_uri, None, code_verifier)
    try:
        with _plain_http_on_loopback(settings.google_token_uri):
            token = flow.fetch_token(code=code, timeout=TIMEOUT_SECONDS)
    except InvalidGrantError as error:
        raise OAuthReplayed(_("Google's code was already used, or is too old. Please start again.")) from error
    except requests.RequestException as error:
        raise GmailFailure(_("Google could not be reached. Please try again in a minute.")) from error
    except (OAuth2Error, ValueError) as error:
        raise odd_answer(getattr(error, "error", "") or type(error).__name__) from error
    return _read_grant(settings, token)


def revoke(settings: Settings, token: str) -> None:
    """Take `token`, and with it the whole grant, back at Google; one that is already void is fine (RFC 7009 §2.2)."""
    try:
        answer = requests.post(
            settings.google_revoke_uri, data={"token": token}, timeout=TIMEOUT_SECONDS, allow_redirects=False
        )
    except requests.RequestException as error:
        raise GmailFailure(f"Google could not be reached to revoke access ({type(error).__name__})") from error
    if answer.status_code not in (200, 400):
        raise GmailFailure(f"Google did not revoke the access ({answer.status_code})")


def refuse_missing_scopes(grant: Grant, wanted: frozenset[str]) -> None:
    """Raise `OAuthScopesMissing` when the user left out one of the `wanted` permissions."""
    if missing := wanted - grant.scopes:
        raise OAuthScopesMissing(
            _(
                "Google did not give Warmline this permission: %(names)s. Please connect again, and on Google's page "
                "tick the box beside it (or “Select all”).",
                names=", ".join(sorted(_describe_scope(scope) for scope in missing)),
            ),
            missing,
        )


def odd_answer(detail: str) -> OAuthOddAnswer:
    """Return the refusal for an answer that the protocol does not foresee; only a short `detail` is shown."""
    return OAuthOddAnswer(
        _(
            "Google's answer made no sense (%(detail)s). Please start again; if it stays so, ask your admin to run "
            "“warmline doctor”.",
            detail=detail[:40],
        )
    )


def _describe_scope(scope: str) -> str:
    names = {
        READ_SCOPE: _("“View your email messages and settings”"),
        COMPOSE_SCOPE: _("“Manage drafts and send emails”"),
        EMAIL_SCOPE: _("“See your primary Google Account email address”"),
        PROFILE_SCOPE: _("“See your personal info”"),
    }
    return names.get(scope, scope)


def _make_flow(
    settings: Settings, redirect_uri: str, scopes: frozenset[str] | None, code_verifier: str | None = None
) -> Flow:
    client = {
        "client_id": settings.google_client_id,
        "client_secret": settings.google_client_secret,
        "auth_uri": settings.google_auth_uri,
        "token_uri": settings.google_token_uri,
    }
    ordered = sorted(scopes) if scopes else None
    options = {"redirect_uri": redirect_uri, "code_verifier": code_verifier}
    flow: Flow = Flow.from_client_config({"web": client}, scopes=ordered, **options)
    return flow


def _read_grant(settings: Settings, token: Any) -> Grant:
    try:
        claims = verify_id_token(token["id_token"], find_certs(settings.google_certs_url), settings.google_client_id)
        scopes = token.get("scope") or ()
        names = scopes.split() if isinstance(scopes, str) else scopes
        return Grant(
            refresh_token=token.get("refresh_token") or "",
            access_token=token["access_token"],
            scopes=frozenset(SHORT_NAMES.get(name, name) for name in names),
            subject=str(claims["sub"]),
            email=str(claims["email"]).lower(),
            email_verified=claims.get("email_verified") in (True, "true"),
            name=str(claims.get("name", "")),
        )
    except (KeyError, TypeError, AttributeError, BadToken) as error:
        raise odd_answer(type(error).__name__) from error


_environment_lock = Lock()


@contextmanager
def _plain_http_on_loopback(url: str) -> Iterator[None]:
    """Let oauthlib speak plain HTTP while the block runs, only to a server on this machine.

    oauthlib knows one switch, an environment variable for the whole process; so it is set under a lock and taken back.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        yield
        return
    with _environment_lock:
        before = os.environ.get("OAUTHLIB_INSECURE_TRANSPORT")
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
        try:
            yield
        finally:
            del os.environ["OAUTHLIB_INSECURE_TRANSPORT"]
            if before is not None:
                os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = before
