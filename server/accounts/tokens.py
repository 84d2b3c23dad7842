"""Access tokens: bearer secrets of programs and paired devices, shown once, kept as hashes."""

from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import update
from sqlmodel import Session, col, select

from server.accounts.fields import read_name
from server.accounts.models import AccessToken, Member, TokenKind
from server.clock import now
from server.errors import Refused
from server.keys import hash_token, make_token
from server.queue import announce

PREFIX = "wl_"  # so that secret scanners and people recognise one
USE_NOTED_SECONDS = 60


def create_token(session: Session, member: Member, name: str, kind: str = TokenKind.API) -> str:
    """Add an access token of `member` and return its secret, which is not kept."""
    if kind not in list(TokenKind):
        raise Refused(_("“%(kind)s” is not a kind of token. Choose api or device.", kind=kind), field="kind")
    secret = PREFIX + make_token()
    session.add(
        AccessToken(
            member_id=member.id,
            kind=TokenKind(kind),
            name=read_name(name),
            token_hash=hash_token(secret),
            ends_with=secret[-4:],
        )
    )
    session.flush()
    return secret


def find_token(session: Session, secret: str) -> tuple[AccessToken, Member] | None:
    """Return the token that `secret` is, with its member, unless it was revoked or the member deactivated."""
    chosen = (
        select(AccessToken, Member)
        .join(Member, col(Member.id) == AccessToken.member_id)
        .where(
            AccessToken.token_hash == hash_token(secret),
            col(AccessToken.revoked_at).is_(None),
            col(Member.deactivated_at).is_(None),
        )
    )
    found = session.exec(chosen).first()
    return (found[0], found[1]) if found else None


def find_refusal(session: Session, secret: str) -> str:
    """Return why `secret` opens nothing here: `unknown_token`, `revoked`, `deactivated`, else `wrong_place`."""
    chosen = select(AccessToken.revoked_at, Member.deactivated_at).join(Member, col(Member.id) == AccessToken.member_id)
    found = session.exec(chosen.where(AccessToken.token_hash == hash_token(secret))).first()
    if found is None:
        return "unknown_token"
    revoked_at, deactivated_at = found
    return "revoked" if revoked_at else "deactivated" if deactivated_at else "wrong_place"


def tell_refusal(code: str) -> tuple[str, str]:
    """Return what is wrong with a token that opens nothing, and the way out, as sentences."""
    again = _("Connect this browser to Warmline again.")
    return {
        "unknown_token": (_("This browser is not connected to Warmline."), again),
        "revoked": (_("This browser’s access to Warmline was revoked."), again),
        "deactivated": (_("Your account is deactivated."), _("An admin of your workspace can reactivate it.")),
        "wrong_place": (_("This token may not be used here."), _("Settings, Access tokens says what each is for.")),
    }[code]


def is_open_to(token: AccessToken, path: str) -> bool:
    """Return whether `token` may be used at `path`: a program's only in the API, none where credentials are made."""
    if token.kind == TokenKind.API:
        return path.startswith("/api/")
    return not path.startswith(("/settings/", "/team", "/extension/pairing"))


def is_use_news(token: AccessToken) -> bool:
    """Return whether the last use that was noted is long enough ago to be worth a write."""
    return token.last_used_at is None or now() - token.last_used_at > timedelta(seconds=USE_NOTED_SECONDS)


def note_use(session: Session, token_id: int) -> None:
    """Remember that a token was used now."""
    session.exec(update(AccessToken).where(col(AccessToken.id) == token_id).values(last_used_at=now()))


def list_tokens(session: Session, member_id: int) -> list[AccessToken]:
    """Return a member's tokens that still open something, the newest first."""
    chosen = select(AccessToken).where(AccessToken.member_id == member_id, col(AccessToken.revoked_at).is_(None))
    return list(session.exec(chosen.order_by(col(AccessToken.id).desc())).all())


def revoke_tokens(session: Session, member_id: int, token_id: int | None = None) -> None:
    """Make a member's token `token_id`, or all of them, open nothing any more, and tell their streams."""
    for token in list_tokens(session, member_id):
        if token_id in (None, token.id):
            token.revoked_at = now()
            session.add(token)
            announce(session, "token_revoked", id=token.id)
    session.flush()


def announce_tokens(session: Session, member_id: int) -> None:
    """Tell the streams of all a member's tokens to look again at who listens; the tokens stay."""
    for token in list_tokens(session, member_id):
        announce(session, "token_revoked", id=token.id)
