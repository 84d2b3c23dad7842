"""The consent page: who asks for what, which account, which scopes, and the code that carries the decision back."""

import json
import secrets
import sqlite3
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, current_app, render_template, request, send_file
from flask.typing import ResponseReturnValue

from server.config import STAND_IN_CLIENT_ID
from server.sandbox.stand_in import accounts, rest
from server.sandbox.stand_in.store import get_store

STYLE_SECONDS = 600
GOOGLE = "https://www.googleapis.com/auth/"
SHORT_SCOPES = {"email": f"{GOOGLE}userinfo.email", "profile": f"{GOOGLE}userinfo.profile"}
SCOPE_LABELS = {
    rest.FULL_SCOPE: "Read, compose, send and permanently delete all your email from Gmail",
    f"{GOOGLE}gmail.modify": "Read, compose and send emails from your Gmail account",
    f"{GOOGLE}gmail.readonly": "View your email messages and settings",
    f"{GOOGLE}gmail.metadata": "View your email message metadata such as labels and headers, but not the email body",
    f"{GOOGLE}gmail.compose": "Manage drafts and send emails",
    f"{GOOGLE}gmail.send": "Send email on your behalf",
    f"{GOOGLE}gmail.insert": "Add emails into your Gmail mailbox",
    f"{GOOGLE}gmail.labels": "See and edit your email labels",
    f"{GOOGLE}gmail.settings.basic": "See, edit, create or change your email settings and filters in Gmail",
}

bp = Blueprint("consent", __name__)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks on the consent page, checked."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    challenge: str
    challenge_method: str
    nonce: str
    is_offline: bool
    includes_granted: bool
    prompts: tuple[str, ...]
    login_hint: str

    def answer(self, **values: str) -> Response:
        """Return the redirect that carries `values` and the state back to the client."""
        if self.state:
            values["state"] = self.state
        joint = "&" if urlsplit(self.redirect_uri).query else "?"
        return Response(status=302, headers={"Location": f"{self.redirect_uri}{joint}{urlencode(values)}"})


def read_request() -> AuthorizationRequest:
    """Return the authorization request in the query; a wrong one never redirects (RFC 6749 §4.1.2.1)."""
    args = request.args
    _check_client(args.get("client_id"), args.get("redirect_uri"))
    if args.get("response_type") != "code":
        _refuse(400, "unsupported_response_type", f"Invalid response_type: {args.get('response_type')}")
    method = args.get("code_challenge_method", "plain" if args.get("code_challenge") else "")
    if method not in ("", "plain", "S256"):
        _refuse(400, "invalid_request", f"code_challenge_method {method} is not supported")
    return AuthorizationRequest(
        client_id=args["client_id"],
        redirect_uri=args["redirect_uri"],
        scopes=_read_scopes(args.get("scope", "")),
        state=args.get("state", ""),
        challenge=args.get("code_challenge", ""),
        challenge_method=method,
        nonce=args.get("nonce", ""),
        is_offline=args.get("access_type") == "offline",
        includes_granted=args.get("include_granted_scopes") == "true",
        prompts=tuple(args.get("prompt", "").split()),
        login_hint=args.get("login_hint", "").lower(),
    )


def _check_client(client_id: str | None, redirect_uri: str | None) -> None:
    if client_id != STAND_IN_CLIENT_ID:
        _refuse(401, "invalid_client", "The OAuth client was not found.")
    if not redirect_uri:
        _refuse(400, "invalid_request", "Missing required parameter: redirect_uri")
    own = urlsplit(current_app.config["SETTINGS"].base_url).hostname
    try:
        parts = urlsplit(redirect_uri)
        is_own = parts.scheme in ("http", "https") and parts.hostname in ("127.0.0.1", "localhost", "::1", own)
    except ValueError:
        is_own = False
    if not is_own:
        _refuse(400, "redirect_uri_mismatch", f"redirect_uri={redirect_uri} is not Warmline's.")


def _read_scopes(text: str) -> tuple[str, ...]:
    scopes = tuple(dict.fromkeys(SHORT_SCOPES.get(scope, scope) for scope in text.split()))
    if not scopes:
        _refuse(400, "invalid_request", "Missing required parameter: scope")
    if unknown := [scope for scope in scopes if not scope.startswith("https://") and scope != "openid"]:
        _refuse(400, "invalid_scope", f"Some requested scopes were invalid: {unknown}")
    return scopes


def _refuse(status: int, error: str, description: str) -> NoReturn:
    page = render_template("sandbox/refused.html", status=status, error=error, description=description)
    abort(Response(page, status, {"Content-Security-Policy": _policy("'none'")}))


def _policy(form_targets: str) -> str:
    return f"default-src 'none'; style-src 'self'; form-action {form_targets}; base-uri 'none'; frame-ancestors 'none'"


@bp.get("/o/oauth2/auth")
@bp.get("/o/oauth2/v2/auth")
def consent_page() -> ResponseReturnValue:
    """Show the accounts to choose from and the scopes to tick."""
    asked = read_request()
    if "none" in asked.prompts:
        return asked.answer(error="interaction_required")
    with get_store().reading() as db:
        people = accounts.list_accounts(db)
    page = render_template(
        "sandbox/consent.html",
        asked=asked,
        people=people,
        chosen=asked.login_hint if asked.login_hint in {person["email"] for person in people} else people[0]["email"],
        labels={scope: SCOPE_LABELS.get(scope, scope) for scope in asked.scopes if not is_sign_in_scope(scope)},
    )
    target = urlsplit(asked.redirect_uri)
    policy = _policy(f"'self' {target.scheme}://{target.netloc}")  # Chromium applies it to the redirect after the form
    return Response(page, headers={"Content-Security-Policy": policy})


def is_sign_in_scope(scope: str) -> bool:
    """Return whether a scope only says who somebody is; such a one cannot be unticked."""
    return scope == "openid" or scope in SHORT_SCOPES.values()


@bp.post("/o/oauth2/auth")
@bp.post("/o/oauth2/v2/auth")
def decide() -> ResponseReturnValue:
    """Take the person's decision: `account`, ticked `granted_scope`s, and `decision` allow, allow_all or cancel."""
    asked = read_request()
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        _refuse(403, "access_denied", "This decision came from another site.")
    decision = request.form.get("decision")
    if decision not in ("allow", "allow_all"):
        return asked.answer(error="access_denied")
    ticked = set(asked.scopes) if decision == "allow_all" else set(request.form.getlist("granted_scope"))
    with get_store().writing() as db:
        account = accounts.find_account(db, request.form.get("account", ""))
        if account is None:
            _refuse(400, "invalid_request", "Choose one of the accounts.")
        granted = {scope for scope in asked.scopes if is_sign_in_scope(scope) or scope in ticked}
        if asked.includes_granted:
            granted |= list_granted(db, account, asked.client_id)
        if not granted:
            return asked.answer(error="access_denied")
        code = "4/0A" + secrets.token_urlsafe(54)
        row = (code, account, json.dumps(asdict(asked)), " ".join(sorted(granted)), int(time.time()))
        db.execute("INSERT INTO oauth_code (code, account, request, scopes, created_at) VALUES (?, ?, ?, ?, ?)", row)
    return asked.answer(code=code, scope=" ".join(sorted(granted)))


def list_granted(db: sqlite3.Connection, account: str, client_id: str) -> set[str]:
    """Return all scopes that the account has granted the client and not revoked."""
    query = "SELECT scopes FROM refresh_token WHERE account = ? AND client_id = ? AND is_revoked = 0"
    return {scope for row in db.execute(query, (account, client_id)) for scope in row["scopes"].split()}


@bp.get("/consent.css")
def style() -> Response:
    """Answer the consent page's style sheet."""
    return send_file(Path(__file__).parent / "consent.css", mimetype="text/css", max_age=STYLE_SECONDS)


@bp.get("/")
def front() -> ResponseReturnValue:
    """Say what this is to somebody who opened it in a browser."""
    with get_store().reading() as db:
        people = accounts.list_accounts(db)
    return Response(
        render_template("sandbox/front.html", people=people), headers={"Content-Security-Policy": _policy("'none'")}
    )
