"""Gmail's users.drafts; sending one deletes the draft and makes a new message in its thread."""

import secrets
import sqlite3

from server.sandbox.stand_in import delivery, mailbox, messages, payload
from server.sandbox.stand_in.errors import make_invalid, make_not_found
from server.sandbox.stand_in.rest import Call, Json


def create(call: Call) -> Json:
    """Add a draft."""
    draft_id = f"r{secrets.randbits(63)}"
    row = _add_message(call, None)
    call.db.execute("INSERT INTO draft VALUES (?, ?, ?)", (draft_id, call.account, row["id"]))
    return {"id": draft_id, "message": messages.show_short(call, row)}


def get(call: Call, id: str) -> Json:
    """Answer a draft with its message in the format asked for."""
    row = mailbox.get_message(call.db, call.account, get_draft(call, id)["message_id"])
    return {"id": id, "message": payload.show(call, row)}


def list_(call: Call) -> Json:
    """Answer the drafts, newest first."""
    rows, next_token = messages.find(call, labels=["DRAFT"])
    drafts = call.db.execute("SELECT * FROM draft WHERE account = ?", (call.account,))
    ids = {row["message_id"]: row["id"] for row in drafts}
    shown = [
        {"id": ids[row["id"]], "message": {"id": row["id"], "threadId": row["thread_id"]}}
        for row in rows
        if row["id"] in ids
    ]
    answer: Json = {"resultSizeEstimate": len(shown)} | ({"drafts": shown} if shown else {})
    return answer | ({"nextPageToken": next_token} if next_token else {})


def update(call: Call, id: str) -> Json:
    """Replace a draft's message; the thread stays, the message has a new id."""
    old = mailbox.get_message(call.db, call.account, get_draft(call, id)["message_id"])
    row = _add_message(call, old["thread_id"])
    call.db.execute("UPDATE draft SET message_id = ? WHERE id = ?", (row["id"], id))
    mailbox.delete_message(call.db, call.account, old["id"])
    return {"id": id, "message": messages.show_short(call, row)}


def delete(call: Call, id: str) -> None:
    """Delete a draft for ever."""
    mailbox.delete_message(call.db, call.account, get_draft(call, id)["message_id"])


def send(call: Call) -> Json:
    """Send a draft, with the content the call carries where it carries any."""
    draft_id = call.body.get("id")
    if not draft_id:
        raise make_invalid("Missing draft id")
    old = mailbox.get_message(call.db, call.account, get_draft(call, str(draft_id))["message_id"])
    message = call.body.get("message")
    has_new = call.media is not None or (isinstance(message, dict) and message.get("raw"))
    raw = delivery.read_raw(message or {}, call.media) if has_new else old["raw"]
    sent = delivery.send(call, raw, draft_thread=old["thread_id"])
    mailbox.delete_message(call.db, call.account, old["id"])
    return messages.show_short(call, sent)


def get_draft(call: Call, draft_id: str) -> sqlite3.Row:
    """Return a draft of this mailbox; raises 404."""
    query = "SELECT * FROM draft WHERE account = ? AND id = ?"
    row: sqlite3.Row | None = call.db.execute(query, (call.account, draft_id)).fetchone()
    if row is None:
        raise make_not_found()
    return row


def _add_message(call: Call, thread_id: str | None) -> sqlite3.Row:
    message = call.body.get("message") or {}
    if not isinstance(message, dict):
        raise make_invalid("Invalid value at 'draft.message'")
    raw = delivery.read_raw(message, call.media)
    asked = mailbox.find_asked_thread(call.db, call.account, raw, message.get("threadId"))
    return mailbox.add_message(call.db, call.account, raw, ["DRAFT"], thread_id=thread_id or asked)


METHODS = {
    "drafts.create": create, "drafts.get": get, "drafts.list": list_, "drafts.update": update,
    "drafts.delete": delete, "drafts.send": send,
}  # fmt: skip
