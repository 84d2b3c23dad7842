"""What changes in a mailbox: messages come, go and change labels; every change is history and may notify."""

import html
import json
import secrets
import sqlite3
import time
from collections.abc import Iterable

from server.sandbox.stand_in import mail, push
from server.sandbox.stand_in.errors import make_invalid, make_not_found

SYSTEM_LABELS = (
    "INBOX", "SENT", "DRAFT", "UNREAD", "STARRED", "IMPORTANT", "TRASH", "SPAM", "CHAT", "CATEGORY_PERSONAL",
    "CATEGORY_SOCIAL", "CATEGORY_PROMOTIONS", "CATEGORY_UPDATES", "CATEGORY_FORUMS",
)  # fmt: skip


def get_message(db: sqlite3.Connection, account: str, message_id: str) -> sqlite3.Row:
    """Return a message of this mailbox; raises 404."""
    query = "SELECT * FROM message WHERE account = ? AND id = ?"
    row: sqlite3.Row | None = db.execute(query, (account, message_id)).fetchone()
    if row is None:
        raise make_not_found()
    return row


def get_labels(db: sqlite3.Connection, message_id: str) -> list[str]:
    """Return a message's label ids."""
    rows = db.execute("SELECT label_id FROM message_label WHERE message_id = ? ORDER BY label_id", (message_id,))
    return [row["label_id"] for row in rows]


def add_message(
    db: sqlite3.Connection,
    account: str,
    raw: bytes,
    labels: Iterable[str],
    *,
    thread_id: str | None = None,
    internal_date: int | None = None,
) -> sqlite3.Row:
    """Add a mail to a mailbox, in its thread, and return its row. `internal_date` is in epoch milliseconds."""
    parsed = mail.parse(raw)
    now_ms = time.time_ns() // 1_000_000
    message_id = f"{(now_ms << 20) | secrets.randbits(20):016x}"
    thread_id = thread_id or find_thread(db, account, parsed) or message_id
    words = " ".join((parsed.subject, parsed.sender, *parsed.recipients, parsed.text)).lower()
    db.execute(
        """INSERT INTO message (id, account, thread_id, raw, internal_date, history_id, snippet, subject, sender,
                                recipients, search_text, rfc822_id, has_attachment)
           VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?)""",
        (message_id, account, thread_id, raw, now_ms if internal_date is None else internal_date,
         html.escape(parsed.text[: mail.SNIPPET_CHARACTERS]), parsed.subject, parsed.sender.lower(),
         " ".join(parsed.recipients).lower(), words, parsed.rfc822_id, parsed.has_attachment),
    )  # fmt: skip
    _put_labels(db, message_id, labels)
    record(db, account, "messagesAdded", message_id, thread_id)
    return get_message(db, account, message_id)


def find_thread(db: sqlite3.Connection, account: str, parsed: mail.Parsed) -> str | None:
    """Return the thread that a mail continues: it references a mail there and has its subject (Gmail's rule)."""
    for reference in reversed(parsed.references):
        row = db.execute(
            "SELECT thread_id, subject FROM message WHERE account = ? AND rfc822_id = ? ORDER BY seq LIMIT 1",
            (account, reference),
        ).fetchone()
        if row and mail.normalise_subject(row["subject"]) == mail.normalise_subject(parsed.subject):
            return str(row["thread_id"])
    return None


def find_asked_thread(db: sqlite3.Connection, account: str, raw: bytes, thread_id: str | None) -> str | None:
    """Return `thread_id` where the mail really continues that thread, else None; raises 404 for an unknown thread."""
    if not thread_id:
        return None
    query = "SELECT rfc822_id, subject FROM message WHERE account = ? AND thread_id = ?"
    rows = db.execute(query, (account, thread_id)).fetchall()
    if not rows:
        raise make_not_found()
    parsed = mail.parse(raw)
    subjects = {mail.normalise_subject(row["subject"]) for row in rows}
    ids = {row["rfc822_id"] for row in rows}
    matches = mail.normalise_subject(parsed.subject) in subjects and ids.intersection(parsed.references)
    return thread_id if matches else None


def change_labels(
    db: sqlite3.Connection, account: str, message_id: str, add: Iterable[str] = (), remove: Iterable[str] = ()
) -> sqlite3.Row:
    """Add and remove labels of one message and return its row; raises 400 for a label that does not exist."""
    row = get_message(db, account, message_id)
    known = {
        *SYSTEM_LABELS,
        *(label["id"] for label in db.execute("SELECT id FROM label WHERE account = ?", (account,))),
    }
    for label in (*add, *remove):
        if label not in known:
            raise make_invalid(f"Invalid label: {label}")
    had = set(get_labels(db, message_id))
    added, removed = [x for x in add if x not in had], [x for x in remove if x in had]
    _put_labels(db, message_id, added)
    db.executemany(
        "DELETE FROM message_label WHERE message_id = ? AND label_id = ?", [(message_id, x) for x in removed]
    )
    if added:
        record(db, account, "labelsAdded", message_id, row["thread_id"], added)
    if removed:
        record(db, account, "labelsRemoved", message_id, row["thread_id"], removed)
    return get_message(db, account, message_id)


def delete_message(db: sqlite3.Connection, account: str, message_id: str) -> None:
    """Delete a message for ever; raises 404."""
    row = get_message(db, account, message_id)
    record(db, account, "messagesDeleted", message_id, row["thread_id"])
    db.execute("DELETE FROM message WHERE id = ?", (message_id,))


def record(
    db: sqlite3.Connection, account: str, kind: str, message_id: str, thread_id: str, changed: Iterable[str] = ()
) -> None:
    """Write one history record and, where the mailbox is watched, a notification."""
    db.execute("UPDATE account SET history_id = history_id + 1 WHERE email = ?", (account,))
    history_id = get_history_id(db, account)
    labels = get_labels(db, message_id)
    db.execute("UPDATE message SET history_id = ? WHERE id = ?", (history_id, message_id))
    db.execute(
        "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)",
        (account, history_id, kind, message_id, thread_id, json.dumps(labels), json.dumps(list(changed))),
    )
    push.publish(db, account, history_id, {*labels, *changed})


def get_history_id(db: sqlite3.Connection, account: str) -> int:
    """Return the mailbox's newest history id."""
    return int(db.execute("SELECT history_id FROM account WHERE email = ?", (account,)).fetchone()["history_id"])


def _put_labels(db: sqlite3.Connection, message_id: str, labels: Iterable[str]) -> None:
    rows = [(message_id, label) for label in labels]
    db.executemany("INSERT INTO message_label VALUES (?, ?) ON CONFLICT DO NOTHING", rows)
