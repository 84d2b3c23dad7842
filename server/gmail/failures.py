"""What each failure of Google's client libraries means: permanent or not, in doubt or not, when to come back."""

import contextlib
import json
import re
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException

from google.auth.exceptions import GoogleAuthError, RefreshError
from googleapiclient.errors import HttpError
from httplib2.error import HttpLib2Error, ServerNotFoundError

from server.clock import now
from server.gmail.errors import GmailFailure, NotFound, RateLimited, TokenRevoked

RATE_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"})
SCOPE_REASONS = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
UNREACHED = (ServerNotFoundError, ConnectionRefusedError, ssl.SSLCertVerificationError)
NOT_CONNECTED = (GoogleAuthError, HttpLib2Error, HTTPException, OSError)
ODD_ANSWER = (KeyError, TypeError, ValueError, AttributeError)
FAILURES = (HttpError, *NOT_CONNECTED, *ODD_ANSWER)


def translate(error: Exception, email: str) -> GmailFailure:
    """Return what `error`, one of `FAILURES` in a call for the mailbox `email`, means."""
    if isinstance(error, HttpError):
        return _from_answer(error, email)
    if isinstance(error, RefreshError):
        return _from_refresh(error, email)
    if isinstance(error, NOT_CONNECTED):
        return _from_connection(error)
    return GmailFailure("Gmail answered in a form that Warmline does not know", in_doubt=True)


def _from_refresh(error: RefreshError, email: str) -> GmailFailure:
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
