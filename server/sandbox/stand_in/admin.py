"""The addresses under /_stand_in/: they steer the simulation and hand out its tokens, to this machine only."""

import time

from flask import Blueprint, Response, current_app, jsonify, request

from server.config import STAND_IN_CLIENT_ID
from server.sandbox.stand_in import accounts, mail, page
from server.sandbox.stand_in.errors import GoogleError, make_invalid
from server.sandbox.stand_in.faults import get_script
from server.sandbox.stand_in.mailbox import get_history_id
from server.sandbox.stand_in.push import Pusher
from server.sandbox.stand_in.rest import Json
from server.sandbox.stand_in.store import TABLES_OF_ACCOUNTS, get_store

LOOPBACK = ("127.0.0.1", "::1", "localhost")

bp = Blueprint("admin", __name__, url_prefix="/_stand_in")


@bp.before_request
def refuse_strangers() -> None:
    """Answer this machine only, by its own name (a page elsewhere could rebind its name to us), and no other site."""
    host = request.host.rsplit(":", 1)[0].strip("[]")
    is_cross_site = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if request.remote_addr not in LOOPBACK or host not in LOOPBACK or is_cross_site:
        raise GoogleError(403, "forbidden", "The stand-in is steered from this machine only.")


@bp.get("/accounts")
def list_accounts() -> Response:
    """Answer every account with its long-lived tokens."""
    with get_store().reading() as db:
        return jsonify(accounts.list_accounts(db))


@bp.post("/accounts")
def add_account() -> tuple[Response, int]:
    """Add an account: `email`, `name`."""
    email = str(_body().get("email", "")).strip().lower()
    if "@" not in email:
        raise make_invalid(f"{email!r} is not an email address")
    with get_store().writing() as db:
        accounts.add_account(db, email, str(_body().get("name") or email.split("@")[0]))
        added = next(account for account in accounts.list_accounts(db) if account["email"] == email)
    return jsonify(added), 201


@bp.post("/page-sends")
def add_page_send() -> tuple[Response, int]:
    """Send a mail as Gmail's own page does; docs/extension-api.md says what stands in the body."""
    with get_store().writing() as db:
        return jsonify(page.send(db, _body())), 201


@bp.get("/accepted")
def count_accepted() -> Response:
    """Answer how many sends were accepted for each value of the header named by `header`."""
    name = request.args.get("header", "X-Warmline-Copy").lower()
    counts: dict[str, int] = {}
    with get_store().reading() as db:
        for row in db.execute("SELECT headers FROM accepted_send"):
            for field in mail.split_head(row["headers"] + b"\r\n")[0]:
                if mail.name_of(field) == name:
                    value = mail.decode(field.split(b":", 1)[1].decode(errors="replace")).strip()
                    counts[value] = counts.get(value, 0) + 1
        total = db.execute("SELECT count(*) AS n FROM accepted_send").fetchone()["n"]
    return jsonify(header=name, total=total, counts=counts)


@bp.get("/faults")
def list_faults() -> Response:
    """Answer the fault script with how often each rule struck."""
    return jsonify([rule.show() for rule in get_script().rules])


@bp.put("/faults")
def put_faults() -> Response:
    """Replace the fault script by a JSON list of rules."""
    rules = request.get_json(force=True)
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise make_invalid("The fault script is a JSON list of rules.")
    get_script().replace(rules)
    return list_faults()


@bp.delete("/faults")
def delete_faults() -> Response:
    """Let nothing fail any more."""
    get_script().replace([])
    return list_faults()


@bp.put("/push")
def put_push() -> Response:
    """Push to another `endpoint` ("" for none) with another `audience` or `service_account`."""
    pusher: Pusher = current_app.extensions["stand_in_pusher"]
    for name in ("audience", "service_account", "endpoint"):
        if name in _body():
            setattr(pusher, name, str(_body()[name]))
    return jsonify(endpoint=pusher.endpoint, audience=pusher.audience, service_account=pusher.service_account)


@bp.post("/expire")
def expire() -> Response:
    """Expire what an account holds: `what` is access_tokens, history or watch; refresh_tokens are revoked."""
    email, what = str(_body().get("email", "")), _body().get("what")
    with get_store().writing() as db:
        if accounts.find_account(db, email) is None:
            raise GoogleError(404, "notFound", f"No account {email!r}")
        if what == "access_tokens":
            limit = time.time() + accounts.LONG_LIVED_SECONDS / 2
            db.execute("UPDATE access_token SET expires_at = 0 WHERE account = ? AND expires_at < ?", (email, limit))
        elif what == "history":
            db.execute("UPDATE account SET history_id = history_id + 1 WHERE email = ?", (email,))
            floor = (get_history_id(db, email), email)
            db.execute("UPDATE account SET history_floor = ? WHERE email = ?", floor)
        elif what == "watch":
            db.execute("UPDATE watch SET expires_at = 0 WHERE account = ?", (email,))
        elif what == "refresh_tokens":
            accounts.revoke_grant(db, email, STAND_IN_CLIENT_ID)
        else:
            raise make_invalid(f"{what!r} cannot expire")
    return jsonify(email=email, expired=what)


@bp.post("/reset")
def reset() -> Response:
    """Begin again: the default accounts with new tokens, no mail, no faults, pushes as the settings say."""
    get_script().replace([])
    current_app.extensions["stand_in_pusher"].configure(current_app.config["SETTINGS"])
    with get_store().writing() as db:
        for table in TABLES_OF_ACCOUNTS:
            db.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant
        accounts.add_defaults(db)
        return jsonify(accounts.list_accounts(db))


def _body() -> Json:
    body = request.get_json(force=True, silent=True)
    return body if isinstance(body, dict) else {}
