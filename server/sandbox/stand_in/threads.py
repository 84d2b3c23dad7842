"""Gmail's users.threads: what is done to a thread is done to each of its messages."""

import sqlite3

from server.sandbox.stand_in import mailbox, messages, payload
from server.sandbox.stand_in.errors import make_not_found
from server.sandbox.stand_in.rest import Call, Json


def list_(call: Call) -> Json:
    """Answer the threads that have a message the query selects, newest first."""
    rows, next_token = messages.find(call, "thread_id")
    answer: Json = {"resultSizeEstimate": len(rows) + (1 if next_token else 0)}
    if rows:
        answer["threads"] = [
            {"id": row["thread_id"], "snippet": row["snippet"], "historyId": str(row["history_id"])} for row in rows
        ]
    return answer | ({"nextPageToken": next_token} if next_token else {})


def get(call: Call, id: str) -> Json:
    """Answer a thread with its messages, oldest first."""
    rows = _get_messages(call, id)
    newest = max(row["history_id"] for row in rows)
    return {"id": id, "historyId": str(newest), "messages": [payload.show(call, row) for row in rows]}


def modify(call: Call, id: str) -> Json:
    """Change the labels of all messages of a thread."""
    shown = [messages.modify(call, row["id"]) for row in _get_messages(call, id)]
    return {"id": id, "messages": shown}


def trash(call: Call, id: str) -> Json:
    """Move a thread to the trash."""
    return {"id": id, "messages": [messages.trash(call, row["id"]) for row in _get_messages(call, id)]}


def untrash(call: Call, id: str) -> Json:
    """Take a thread out of the trash."""
    return {"id": id, "messages": [messages.untrash(call, row["id"]) for row in _get_messages(call, id)]}


def delete(call: Call, id: str) -> None:
    """Delete a thread for ever."""
    for row in _get_messages(call, id):
        mailbox.delete_message(call.db, call.account, row["id"])


def _get_messages(call: Call, thread_id: str) -> list[sqlite3.Row]:
    query = "SELECT * FROM message WHERE account = ? AND thread_id = ? ORDER BY internal_date, seq"
    rows = call.db.execute(query, (call.account, thread_id)).fetchall()
    if not rows:
        raise make_not_found()
    return rows


METHODS = {
    "threads.list": list_, "threads.get": get, "threads.modify": modify, "threads.trash": trash,
    "threads.untrash": untrash, "threads.delete": delete,
}  # fmt: skip
