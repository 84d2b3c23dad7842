"""Examines the way to Gmail, step by step as in docs/google-cloud.md. It looks; it changes nothing."""

import re
from collections.abc import Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime

import google.auth
import requests
from google.auth.exceptions import GoogleAuthError
from sqlmodel import Session, col, select

from server.clock import now
from server.config import Settings
from server.findings import Finding, good, problem
from server.gmail import watch
from server.gmail.client import Gmail
from server.gmail.errors import GmailFailure
from server.gmail.models import Mailbox, MailboxState
from server.gmail.notifications import get_audience

TIMEOUT_SECONDS = 10
LARGEST_SKEW_SECONDS = 10
CLIENT_ID = re.compile(r"\d+-[a-z0-9]+\.apps\.googleusercontent\.com")
TOPIC = re.compile(r"projects/[^/\s]+/topics/[^/\s]+")
SUBSCRIPTION = re.compile(r"projects/[^/\s]+/subscriptions/[^/\s]+")
GUIDE = "docs/google-cloud.md"


def examine_client(settings: Settings) -> Iterator[Finding]:
    """Examine the OAuth client: its shape, and whether Google knows it."""
    if settings.uses_stand_in and not settings.is_loopback:
        yield problem("OAuth client", "none is set, and HOST is not loopback", f"Make one ({GUIDE}, step 4).")
        return
    if settings.uses_stand_in:
        yield good("OAuth client", f"none: the local stand-in plays Google. {GUIDE} leads to real Gmail")
    elif not CLIENT_ID.fullmatch(settings.google_client_id):
        yield problem(
            "OAuth client",
            f"GOOGLE_CLIENT_ID is {settings.google_client_id!r}, not <number>-<letters>.apps.googleusercontent.com",
            f"Copy the client id of the type “Web application” ({GUIDE}, step 4).",
        )
    yield _try_client(settings)
    if not settings.uses_stand_in:
        base = settings.base_url
        yield good("Redirect URIs", f"the client must list {base}/gmail/callback and {base}/sign-in/google/callback")


def _try_client(settings: Settings) -> Finding:
    """Refresh a token that cannot exist: a client that Google knows gets `invalid_grant`, another `invalid_client`."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": "warmline-doctor",
        "client_id": settings.google_client_id,
        "client_secret": settings.google_client_secret,
    }
    try:
        answer = requests.post(settings.google_token_uri, data=form, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        error = answer.json().get("error")
    except (requests.RequestException, ValueError, AttributeError) as failure:
        return _unreachable("Token endpoint", settings.google_token_uri, failure)
    if error == "invalid_grant":
        return good("Token endpoint", f"{settings.google_token_uri} knows the client")
    return problem(
        "Token endpoint",
        f"{settings.google_token_uri} answers {answer.status_code} {error!r} to this client",
        "Copy GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET again from Google Auth Platform → Clients.",
    )


def examine_endpoints(settings: Settings) -> Iterator[Finding]:
    """Examine whether Google's other addresses answer, and whether its clock and ours agree."""
    for name, url in (("Consent page", settings.google_auth_uri), ("Certificates", settings.google_certs_url)):
        try:
            answer = requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False)
            is_well = answer.status_code < 500 and (name != "Certificates" or bool(answer.json()))
        except (requests.RequestException, ValueError) as failure:
            yield _unreachable(name, url, failure)
            continue
        if is_well:
            yield good(name, f"{url} answers")
        else:
            yield problem(name, f"{url} answers {answer.status_code}", "Wait, or check the address in the settings.")
        if name == "Certificates":
            yield from _examine_clock(answer.headers.get("Date", ""))


def _examine_clock(date: str) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(date).replace(tzinfo=UTC)
    except ValueError:
        return
    skew = abs((now() - theirs).total_seconds())
    if skew > LARGEST_SKEW_SECONDS:
        yield problem(
            "Clock", f"it differs from Google's by {skew:.0f} s, so tokens are refused", "Turn on NTP on this machine."
        )
    else:
        yield good("Clock", "it agrees with Google's")


def examine_notifications(settings: Settings) -> Iterator[Finding]:
    """Examine how news of a mailbox comes here: by push, pull or poll."""
    mode = settings.gmail_notifications
    if mode == "poll":
        yield good("Notifications", f"polling every {settings.gmail_poll_seconds} s; no Pub/Sub is needed")
        return
    if not TOPIC.fullmatch(settings.pubsub_topic):
        yield problem(
            "Pub/Sub topic",
            f"PUBSUB_TOPIC is {settings.pubsub_topic!r}, not projects/<project>/topics/<topic>",
            f"Make a topic and let {watch.PUBLISHER} publish to it ({GUIDE}, step 5), or set GMAIL_NOTIFICATIONS=poll.",
        )
    else:
        yield good("Pub/Sub topic", f"{settings.pubsub_topic}; {watch.PUBLISHER} must be a publisher of it")
    yield from (_examine_push(settings) if mode == "push" else _examine_pull(settings))


def _examine_push(settings: Settings) -> Iterator[Finding]:
    endpoint = f"{settings.base_url}/gmail/push"
    if not settings.uses_stand_in and not settings.is_https:
        yield problem(
            "Push endpoint",
            f"{endpoint} is not on https, so Google cannot push to it",
            "Put a proxy with TLS in front and set BASE_URL, or set GMAIL_NOTIFICATIONS to pull or poll.",
        )
    if "@" not in settings.pubsub_service_account:
        yield problem(
            "Push account",
            f"PUBSUB_SERVICE_ACCOUNT is {settings.pubsub_service_account!r}, so every push is refused",
            f"Set it to the e-mail address of the subscription's service account ({GUIDE}, step 6).",
        )
    else:
        yield good("Push account", f"{settings.pubsub_service_account}, audience {get_audience(settings)}")
    try:
        status = requests.post(endpoint, json={}, timeout=TIMEOUT_SECONDS, allow_redirects=False).status_code
    except requests.RequestException as failure:
        yield _unreachable("Push endpoint", endpoint, failure)
        return
    if status == 401:
        yield good("Push endpoint", f"{endpoint} answers, and refuses who carries no token")
    else:
        yield problem(
            "Push endpoint", f"{endpoint} answers {status} instead of 401", "Let the proxy pass this address on."
        )


def _examine_pull(settings: Settings) -> Iterator[Finding]:
    if not SUBSCRIPTION.fullmatch(settings.pubsub_subscription):
        yield problem(
            "Pull subscription",
            f"PUBSUB_SUBSCRIPTION is {settings.pubsub_subscription!r}, not projects/<project>/subscriptions/<name>",
            f"Make a pull subscription to the topic ({GUIDE}, step 7).",
        )
    else:
        yield good("Pull subscription", settings.pubsub_subscription)
    if settings.pubsub_api_endpoint:
        return
    try:
        google.auth.default()
        yield good("Google credentials", "this machine has application default credentials")
    except GoogleAuthError:
        yield problem(
            "Google credentials",
            "this machine has no application default credentials",
            f"Set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file ({GUIDE}, step 7).",
        )


def examine_mailboxes(session: Session, settings: Settings) -> Iterator[Finding]:
    """Examine every mailbox: whether its token opens it, whether it is watched, how its last sync went."""
    rows = select(Mailbox).where(Mailbox.state != MailboxState.DISCONNECTED).order_by(col(Mailbox.id))
    mailboxes = session.exec(rows).all()
    session.rollback()
    if not mailboxes:
        yield good("Mailboxes", f"none is connected yet; members do that at {settings.base_url}/mailboxes")
    for mailbox in mailboxes:
        yield from _examine_mailbox(mailbox, settings)


def _examine_mailbox(mailbox: Mailbox, settings: Settings) -> Iterator[Finding]:
    name = f"Mailbox {mailbox.email}"
    way_out = f"Its member can connect it again at {settings.base_url}/mailboxes."
    if mailbox.state == MailboxState.REVOKED:
        yield problem(name, "Google no longer lets Warmline in", way_out)
        return
    try:
        with Gmail.open(mailbox) as gmail:
            profile = gmail.get_profile()
    except GmailFailure as error:
        yield problem(name, error.message, way_out if error.permanent else "Wait, and run the doctor again.")
        return
    if profile.email != mailbox.email:
        yield problem(name, f"its token opens {profile.email}, so pushes do not find it", way_out)
    elif watch.is_wanted(settings) and not _is_watched(mailbox):
        why = mailbox.watch_error or "no watch is running"
        yield problem(name, f"Gmail does not push ({why})", f"See {GUIDE}, step 5; replies still come by polling.")
    elif mailbox.sync_error:
        yield problem(name, f"its last sync failed: {mailbox.sync_error}", "Warmline tries again by itself.")
    else:
        yield good(name, "its token works and it is followed")


def _is_watched(mailbox: Mailbox) -> bool:
    return mailbox.watch_expires_at is not None and mailbox.watch_expires_at > now() and not mailbox.watch_error


def _unreachable(name: str, url: str, failure: Exception) -> Finding:
    return problem(
        name, f"{url} cannot be reached ({type(failure).__name__})", "Check the address, the network and the firewall."
    )
