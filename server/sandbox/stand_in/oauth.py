"""Google's OAuth 2 endpoints for programs: token, revoke, userinfo (RFC 6749, 7636, 7009; OpenID Connect Core)."""

import base64
import hashlib
import hmac
import json
import sqlite3
import time

from flask import Blueprint, Response, jsonify, request

from server.config import STAND_IN_CLIENT_ID
from server.sandbox.stand_in import accounts, keys, rest
from server.sandbox.stand_in.consent import SHORT_SCOPES, list_granted
from server.sandbox.stand_in.errors import OAuthError
from server.sandbox.stand_in.store import get_store

CODE_SECONDS = 600
ACCESS_TOKEN_SECONDS = 3600
ANSWERED_LIFETIME_SECONDS = 3599  # what Google answers for a token of an hour

bp = Blueprint("oauth", __name__)


@bp.post("/token")
@bp.post("/o/oauth2/token")
def token() -> Response:
    """Exchange a code or a refresh token for an access token."""
    client_id = _check_client()
    kind = request.form.get("grant_type")
    with get_store().writing() as db:
        if kind == "authorization_code":
            return jsonify(_exchange_code(db, client_id))
        if kind == "refresh_token":
            return jsonify(_refresh(db, client_id))
    raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {kind}")


def _check_client() -> str:
    basic = request.authorization
    client_id = (basic.username if basic else None) or request.form.get("client_id", "")
    secret = (basic.password if basic else None) or request.form.get("client_secret", "")
    if client_id not in (STAND_IN_CLIENT_ID, accounts.LONG_LIVED_CLIENT):
        raise OAuthError("invalid_client", "The OAuth client was not found.", code=401)
    if not hmac.compare_digest(secret.encode(), client_id.encode()):
        raise OAuthError("invalid_client", "Unauthorized", code=401)
    return client_id


def _exchange_code(db: sqlite3.Connection, client_id: str) -> dict[str, object]:
    row = db.execute("SELECT * FROM oauth_code WHERE code = ?", (request.form.get("code", ""),)).fetchone()
    if row is None:
        raise OAuthError("invalid_grant", "Malformed auth code.")
    asked = json.loads(row["request"])
    if row["used_at"] is not None or time.time() - row["created_at"] > CODE_SECONDS or asked["client_id"] != client_id:
        raise OAuthError("invalid_grant", "Bad Request")
    if request.form.get("redirect_uri") != asked["redirect_uri"]:
        raise OAuthError("redirect_uri_mismatch", "Bad Request")
    _check_verifier(asked)
    db.execute("UPDATE oauth_code SET used_at = ? WHERE code = ?", (int(time.time()), row["code"]))
    had_one = bool(list_granted(db, row["account"], client_id))
    refresh_token = None
    if asked["is_offline"] and (not had_one or "consent" in asked["prompts"]):
        refresh_token = accounts.add_refresh_token(db, row["account"], client_id, row["scopes"])
    answer = _answer_token(db, row["account"], row["scopes"], refresh_token)
    if refresh_token:
        answer["refresh_token"] = refresh_token
    if "openid" in row["scopes"].split():
        answer["id_token"] = _make_id_token(db, row["account"], row["scopes"], client_id, asked["nonce"])
    return answer


def _check_verifier(asked: dict[str, str]) -> None:
    if not asked["challenge"]:
        return
    verifier = request.form.get("code_verifier", "")
    if not verifier:
        raise OAuthError("invalid_grant", "Missing code verifier.")
    if asked["challenge_method"] == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if not hmac.compare_digest(verifier.encode(), asked["challenge"].encode()):
        raise OAuthError("invalid_grant", "Invalid code verifier.")


def _refresh(db: sqlite3.Connection, client_id: str) -> dict[str, object]:
    query = "SELECT * FROM refresh_token WHERE token = ? AND client_id = ? AND is_revoked = 0"
    row = db.execute(query, (request.form.get("refresh_token", ""), client_id)).fetchone()
    if row is None:
        raise OAuthError("invalid_grant", "Token has been expired or revoked.")
    scopes = row["scopes"]
    if asked := request.form.get("scope"):
        wanted = {SHORT_SCOPES.get(scope, scope) for scope in asked.split()}
        if not wanted <= set(scopes.split()):
            raise OAuthError("invalid_scope", "Bad Request")
        scopes = " ".join(sorted(wanted))
    return _answer_token(db, row["account"], scopes, row["token"])


def _answer_token(db: sqlite3.Connection, account: str, scopes: str, refresh_token: str | None) -> dict[str, object]:
    access_token = accounts.add_access_token(db, account, scopes, refresh_token, ACCESS_TOKEN_SECONDS)
    return {
        "access_token": access_token, "expires_in": ANSWERED_LIFETIME_SECONDS, "scope": scopes, "token_type": "Bearer",
    }  # fmt: skip


def _make_id_token(db: sqlite3.Connection, account: str, scopes: str, client_id: str, nonce: str) -> str:
    row = db.execute("SELECT * FROM account WHERE email = ?", (account,)).fetchone()
    claims = _claims(row, scopes) | {"aud": client_id, "azp": client_id}
    return keys.sign(db, claims | ({"nonce": nonce} if nonce else {}), ACCESS_TOKEN_SECONDS)


def _claims(account: sqlite3.Row, scopes: str) -> dict[str, object]:
    claims: dict[str, object] = {"sub": account["subject"]}
    if SHORT_SCOPES["email"] in scopes:
        claims |= {"email": account["email"], "email_verified": True}
    if SHORT_SCOPES["profile"] in scopes:
        claims |= {"name": account["name"], "given_name": account["name"].split()[0]}
    return claims


@bp.route("/revoke", methods=["GET", "POST"])
@bp.route("/o/oauth2/revoke", methods=["GET", "POST"])
def revoke() -> Response:
    """Revoke a client's whole grant by its refresh token or one of its access tokens (RFC 7009)."""
    given = request.values.get("token", "")
    with get_store().writing() as db:
        query = """SELECT * FROM refresh_token WHERE is_revoked = 0
                   AND token IN (?1, (SELECT refresh_token FROM access_token WHERE token = ?1))"""
        row = db.execute(query, (given,)).fetchone()
        lone = db.execute("DELETE FROM access_token WHERE token = ? AND refresh_token IS NULL", (given,))
        if row is not None:
            accounts.revoke_grant(db, row["account"], row["client_id"])
        elif not lone.rowcount:
            raise OAuthError("invalid_token", "Token expired or revoked")
    return jsonify({})


@bp.get("/oauth2/v2/userinfo")
@bp.get("/oauth2/v3/userinfo")
def userinfo() -> Response:
    """Answer who the token belongs to."""
    with get_store().reading() as db:
        account, granted = rest.authorise(db, frozenset({"openid", *SHORT_SCOPES.values()}))
        row = db.execute("SELECT * FROM account WHERE email = ?", (account,)).fetchone()
    claims = _claims(row, " ".join(granted))
    if "/v2/" in request.path:
        claims = {"id": claims.pop("sub"), **claims}
        if "email_verified" in claims:
            claims["verified_email"] = claims.pop("email_verified")
    return jsonify(claims)
