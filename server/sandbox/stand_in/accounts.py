"""The stand-in's accounts: who lives in the simulation, and the long-lived tokens by which a program plays one."""

import secrets
import sqlite3
import time

from server.sandbox.cast import CAST
from server.sandbox.stand_in.rest import FULL_SCOPE

STAND_IN_SCOPES = (
    FULL_SCOPE,
    "openid",
    *(
        f"https://www.googleapis.com/auth/{name}"
        for name in ("userinfo.email", "userinfo.profile", "gmail.settings.basic", "gmail.settings.sharing", "pubsub")
    ),
)
LONG_LIVED_SECONDS = 10 * 365 * 86400
LONG_LIVED_CLIENT = "stand-in"


def add_defaults(db: sqlite3.Connection) -> None:
    """Add the default accounts to an empty store; one that has accounts is left as it is."""
    if db.execute("SELECT 1 FROM account LIMIT 1").fetchone() is None:
        for player in CAST:
            add_account(db, player.email, player.name)


def add_account(db: sqlite3.Connection, email: str, name: str) -> None:
    """Add an account with its long-lived tokens; one that exists keeps its mail and tokens."""
    history_id = 10_000 + secrets.randbelow(900_000)
    subject = str(10**20 + secrets.randbelow(10**20))
    added = db.execute(
        "INSERT INTO account VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (email, name, subject, history_id, history_id),
    )
    if added.rowcount:
        scopes = " ".join(STAND_IN_SCOPES)
        refresh_token = add_refresh_token(db, email, LONG_LIVED_CLIENT, scopes)
        add_access_token(db, email, scopes, refresh_token, LONG_LIVED_SECONDS)


def add_refresh_token(db: sqlite3.Connection, email: str, client_id: str, scopes: str) -> str:
    """Add a refresh token and return it."""
    token = "1//" + secrets.token_urlsafe(48)
    db.execute(
        "INSERT INTO refresh_token (token, account, client_id, scopes) VALUES (?, ?, ?, ?)",
        (token, email, client_id, scopes),
    )
    return token


def add_access_token(
    db: sqlite3.Connection, email: str, scopes: str, refresh_token: str | None, lifetime_seconds: int
) -> str:
    """Add an access token and return it."""
    token = "ya29." + secrets.token_urlsafe(96)
    expires_at = int(time.time()) + lifetime_seconds
    db.execute("INSERT INTO access_token VALUES (?, ?, ?, ?, ?)", (token, email, scopes, expires_at, refresh_token))
    return token


def revoke_grant(db: sqlite3.Connection, email: str, client_id: str) -> None:
    """Revoke what an account granted a client, with every token that came of it."""
    query = "SELECT token FROM refresh_token WHERE account = ? AND client_id = ?"
    for row in db.execute(query, (email, client_id)).fetchall():
        db.execute("UPDATE refresh_token SET is_revoked = 1 WHERE token = ?", (row["token"],))
        db.execute("DELETE FROM access_token WHERE refresh_token = ?", (row["token"],))


def list_accounts(db: sqlite3.Connection) -> list[dict[str, str]]:
    """Return every account with its email, name and long-lived tokens, the demo member first."""
    rows = db.execute(
        """SELECT a.email, a.name, t.token AS access_token, r.token AS refresh_token
           FROM account a JOIN refresh_token r ON r.account = a.email AND r.client_id = ?
           JOIN access_token t ON t.refresh_token = r.token AND t.expires_at > ?
           GROUP BY a.email ORDER BY min(t.rowid)""",
        (LONG_LIVED_CLIENT, time.time() + LONG_LIVED_SECONDS / 2),
    )
    return [dict(row) for row in rows]


def find_account(db: sqlite3.Connection, address: str) -> str | None:
    """Return the account that gets mail for `address`, ignoring case and a `+tag`; None where nobody has it."""
    local, _, domain = address.lower().rpartition("@")
    email = f"{local.split('+', 1)[0]}@{domain}"
    row = db.execute("SELECT email FROM account WHERE email = ?", (email,)).fetchone()
    return row["email"] if row else None


def is_local_domain(db: sqlite3.Connection, address: str) -> bool:
    """Return whether the stand-in plays the mail server of the address's domain."""
    domain = "@" + address.lower().rpartition("@")[2]
    return db.execute("SELECT 1 FROM account WHERE substr(email, -?) = ?", (len(domain), domain)).fetchone() is not None
