"""Pairing a browser's extension: a single-use code with PKCE (RFC 7636, S256), exchanged for a device's token.

A code ends with its first use, whatever comes of it, and after 60 seconds. A second use means that somebody else has
seen it: then the token of the first use ends, too (RFC 6749 §4.1.2).
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from server.accounts.fields import NAME_LENGTH, read_name
from server.accounts.models import Member, TokenKind
from server.accounts.tokens import create_token, find_token, revoke_tokens
from server.clock import now
from server.errors import Refused
from server.keys import hash_token, make_token
from server.sidebar.answers import Declined
from server.sidebar.models import PairingCode

CODE_SECONDS = 60
CODES_KEPT_DAYS = 1
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of 32 bytes
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 §4.1
STATE = re.compile(r"[A-Za-z0-9._~-]{1,200}")
EXTENSION_ID = "[a-p]{32}"
REDIRECT = re.compile(
    rf"(?:https://{EXTENSION_ID}\.chromiumapp\.org|chrome-extension://{EXTENSION_ID})/[A-Za-z0-9._/-]{{0,200}}"
)


@dataclass(frozen=True, slots=True)
class PairingRequest:
    """What an extension asks for: a code for its challenge, told to its own address together with its `state`."""

    challenge: str
    redirect: str
    state: str
    device: str

    @property
    def extension_id(self) -> str:
        """Which extension asks, as Chrome names it."""
        found = re.search(EXTENSION_ID, self.redirect)
        return found[0] if found else ""

    def answer_with(self, code: str) -> str:
        """Return where the member's browser takes a code."""
        return f"{self.redirect}?code={code}&state={self.state}"

    @property
    def denial(self) -> str:
        """Where the member's browser goes when they decline."""
        return f"{self.redirect}?error=access_denied&state={self.state}"


def read_request(challenge: str, redirect: str, state: str, device: str) -> PairingRequest:
    """Return a request for a code; refuses what is not one, and every address but an extension's own."""
    if REDIRECT.fullmatch(redirect) is None:
        raise Refused(_("This address belongs to no extension of this browser, so nothing is sent there."), status=400)
    if CHALLENGE.fullmatch(challenge) is None or STATE.fullmatch(state) is None:
        raise Refused(_("This request is incomplete. Start again from the extension."), status=400)
    return PairingRequest(challenge, redirect, state, " ".join(device.split())[:NAME_LENGTH])


def make_code(session: Session, member: Member, request: PairingRequest) -> str:
    """Add a code for `request` and return its secret, which is not kept; refuses a device without a name."""
    session.exec(delete(PairingCode).where(col(PairingCode.created_at) < now() - timedelta(days=CODES_KEPT_DAYS)))
    code = make_token()
    session.add(
        PairingCode(
            member_id=member.id, code_hash=hash_token(code), challenge=request.challenge, redirect=request.redirect,
            device=read_name(request.device, "device"),
        )
    )  # fmt: skip
    session.flush()
    return code


def exchange(session: Session, code: str, verifier: str, redirect: str) -> tuple[Member, str]:
    """Return the member and a new device's token for `code`; what is refused has ended the code: commit either way."""
    pairing = session.exec(select(PairingCode).where(PairingCode.code_hash == hash_token(code))).first()
    again = _("Start again from the extension.")
    if pairing is None:
        raise Declined("code_unknown", _("This code is not one of ours."), again, status=400)
    fresh = update(PairingCode).where(col(PairingCode.id) == pairing.id, col(PairingCode.used_at).is_(None))
    if not session.exec(fresh.values(used_at=now())).rowcount:
        session.refresh(pairing)
        if pairing.token_id is not None:
            revoke_tokens(session, pairing.member_id, pairing.token_id)
        raise Declined("code_used", _("This code was used before, so what it opened is closed."), again, status=400)
    if now() - pairing.created_at > timedelta(seconds=CODE_SECONDS):
        raise Declined("code_expired", _("This code is older than a minute."), again, status=400)
    if not hmac.compare_digest(pairing.redirect.encode(), redirect.encode(errors="replace")):
        raise Declined("wrong_redirect", _("This code was made for another address."), again, status=400)
    if not _proves(verifier, pairing.challenge):
        raise Declined("wrong_verifier", _("This code was asked for by somebody else."), again, status=400)
    return _open(session, pairing)


def _proves(verifier: str, challenge: str) -> bool:
    if VERIFIER.fullmatch(verifier) is None:
        return False
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(digest, challenge.encode())


def _open(session: Session, pairing: PairingCode) -> tuple[Member, str]:
    member = session.get_one(Member, pairing.member_id)
    if not member.is_active:
        message, fix = _("Your account is deactivated."), _("An admin of your workspace can reactivate it.")
        raise Declined("deactivated", message, fix, status=401)
    secret = create_token(session, member, pairing.device, TokenKind.DEVICE)
    found = find_token(session, secret)
    pairing.token_id = found[0].id if found else None
    session.add(pairing)
    session.flush()
    return member, secret
