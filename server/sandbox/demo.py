"""The demo workspace: made once, with a member, a linked stand-in mailbox and a few first mails."""

from urllib.parse import parse_qs, urlsplit

import requests
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from server.accounts.members import add_member, find_member
from server.accounts.models import Member, Role, Workspace
from server.config import Settings, get_settings
from server.errors import ForeignFailure, Refused
from server.gmail import mailboxes, oauth
from server.gmail.models import Mailbox, MailboxState
from server.messages.compose import compose
from server.sandbox import cast
from server.sandbox.starter import STARTER_MAILS

TIMEOUT_SECONDS = 10


def enter_demo(session: Session) -> Member:
    """Return the member as whom a visitor enters the demo workspace, made where it is missing."""
    return ensure_demo(session)


def ensure_demo(session: Session) -> Member:
    """Make the demo workspace once, its mailbox linked and its first mails queued; return its member.

    Two callers at once make it once. Raises `ForeignFailure` while the stand-in does not answer, and `Refused` where
    the demo member's address belongs to somebody else.
    """
    settings = get_settings()
    if not settings.uses_stand_in:
        raise Refused("There is no demo workspace while a Google client is configured.", status=404)
    member = find_member(session, cast.DEMO_MEMBER.email) or _add_member(session)
    if not _is_demo(session, member):
        raise Refused(f"{member.email} belongs to another workspace, so the demo cannot use it.", status=409)
    mailbox = session.exec(select(Mailbox).where(Mailbox.member_id == member.id)).first()
    if mailbox is None or mailbox.state == MailboxState.REVOKED:
        mailbox = mailboxes.link(session, member, fetch_grant(settings, member.email))
        for number, draft in enumerate(STARTER_MAILS):
            compose(session, member, mailbox, draft, idempotency_key=f"demo-{number}")
    return member


def _add_member(session: Session) -> Member:
    try:
        with session.begin_nested():
            workspace = Workspace(name="Demo", is_demo=True)
            session.add(workspace)
            session.flush()
            return add_member(session, workspace.id or 0, cast.DEMO_MEMBER.email, cast.DEMO_MEMBER.name, Role.ADMIN)
    except (IntegrityError, Refused):
        if (member := find_member(session, cast.DEMO_MEMBER.email)) is None:
            raise
        return member


def _is_demo(session: Session, member: Member) -> bool:
    workspace = session.get(Workspace, member.workspace_id)
    return workspace is not None and workspace.is_demo


def fetch_grant(settings: Settings, email: str) -> oauth.Grant:
    """Return what the stand-in's account `email` grants Warmline, by the way a person would take through its pages."""
    redirect_uri = f"{settings.base_url}/gmail/callback"
    asked = oauth.make_authorization(settings, redirect_uri, oauth.MAILBOX_SCOPES, login_hint=email)
    decision = {"account": email, "decision": "allow_all"}
    try:
        answer = requests.post(asked.url, data=decision, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        message = f"The Gmail stand-in does not answer at {settings.stand_in_url}"
        raise ForeignFailure(message, permanent=False) from error
    code = parse_qs(urlsplit(answer.headers.get("Location", "")).query).get("code")
    if not code:
        raise ForeignFailure(f"The Gmail stand-in did not let {email} in ({answer.status_code})", permanent=True)
    return oauth.exchange(settings, redirect_uri, code[0], asked.code_verifier)
