"""Who a Google account is here: a member, an invited person, or nobody. It never makes an account for a stranger."""

import hmac
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlmodel import Session, select

from server.accounts.fields import NAME_LENGTH
from server.accounts.invitations import find_invitation_of, join
from server.accounts.members import find_member
from server.accounts.models import Member
from server.errors import Refused
from server.gmail.oauth import Grant, OAuthCancelled, OAuthMismatch, OAuthOddAnswer, OAuthReplayed


def read_code(kept: Mapping[str, Any] | None, answer: Mapping[str, str]) -> str:
    """Return the code with which Google sent the browser back; `kept` was just taken out of its session, once.

    Each way to fail is an error of its own: nothing kept (used before, or another browser), another state, cancelled
    on Google's page, or an answer that OAuth 2 does not foresee here (RFC 6749, section 4.1.2).
    """
    if kept is None:
        raise OAuthReplayed(_("This answer from Google was already used, or came too late. Please start again."))
    if not hmac.compare_digest(kept["state"].encode(), answer.get("state", "").encode()):
        raise OAuthMismatch(_("This answer from Google belongs to another request. Please start again."))
    if answer.get("error") == "access_denied":
        raise OAuthCancelled(_("You cancelled signing in with Google. Nothing was changed."))
    if "error" in answer or not answer.get("code"):
        raise OAuthOddAnswer(_("Google did not say who you are (%(error)s). Please start again.",
                               error=answer.get("error", "no code")[:40]))  # fmt: skip
    return answer["code"]


def find_google_member(session: Session, grant: Grant) -> Member:
    """Return the member who is this Google account.

    Known by Google's subject, which never changes hands; the first time by an email address that Google has verified,
    of a member or of a pending invitation (which this uses up).
    """
    member = session.exec(select(Member).where(Member.google_subject == grant.subject)).first()
    return _refuse_inactive(member or _meet(session, grant))


def _meet(session: Session, grant: Grant) -> Member:
    email = grant.email.lower()
    if not grant.email_verified:
        message = _("Google has not verified that %(email)s is yours. Verify it there, or sign in with your password.",
                    email=email)  # fmt: skip
        raise Refused(message, status=403)
    member = find_member(session, email)
    if member is None:
        invitation = find_invitation_of(session, email)
        if invitation is None:
            message = _("%(email)s is not a member here. Ask an admin of your workspace to invite that address.",
                        email=email)  # fmt: skip
            raise Refused(message, status=403)
        name = (grant.name or email.split("@")[0])[:NAME_LENGTH]
        return join(session, invitation, name, google_subject=grant.subject)
    if member.google_subject is not None:
        message = _("%(email)s signs in with another Google account of the same address. Sign in with your password.",
                    email=email)  # fmt: skip
        raise Refused(message, status=403)
    _refuse_inactive(member).google_subject = grant.subject
    session.add(member)
    session.flush()
    return member


def _refuse_inactive(member: Member) -> Member:
    if not member.is_active:
        raise Refused(_("This account is deactivated. An admin of your workspace can reactivate it."), status=403)
    return member
