"""Gmail's users.messages: list, get, send, insert, import, modify, trash, delete, attachments."""

import sqlite3
from collections.abc import Iterable

from server.sandbox.stand_in import delivery, mailbox, payload, search
from server.sandbox.stand_in.errors import GoogleError, make_invalid
from server.sandbox.stand_in.rest import Call, Json, read_page_token

MAX_BATCH = 1000


def find(call: Call, column: str = "id", labels: Iterable[str] = ()) -> tuple[list[sqlite3.Row], str | None]:
    """Return a page of the messages that `q` and the labels select, newest first, and the next page's token."""
    query = call.args.get("q", "")
    if query and call.has_only_metadata():
        raise GoogleError(403, "forbidden", "Metadata scope does not support 'q' parameter")
    include = call.args.get("includeSpamTrash", "").lower() == "true"
    labels = [*call.args.getlist("labelIds"), *labels]
    condition = search.make_condition(query, include_spam_trash=include or bool({"SPAM", "TRASH"} & set(labels)))
    sql, values = f"m.account = ? AND ({condition.sql})", [call.account, *condition.values]
    for label in labels:
        sql, values = f"{sql} AND {search.HAS_LABEL}", [*values, label]
    order = "max(m.internal_date) AS at, max(m.seq) AS last"
    having, after = "", read_page_token(call)
    if after is not None and len(after) == 2:
        having, values = "HAVING (max(m.internal_date), max(m.seq)) < (?, ?)", [*values, *after]
    limit = call.get_limit()
    rows = call.db.execute(
        f"SELECT m.*, {order} FROM message m WHERE {sql} GROUP BY m.{column} {having} "  # noqa: S608 - our own columns
        "ORDER BY at DESC, last DESC LIMIT ?",
        [*values, limit + 1],
    ).fetchall()
    next_token = f"{rows[limit - 1]['at']}.{rows[limit - 1]['last']}" if len(rows) > limit else None
    return rows[:limit], next_token


def list_(call: Call) -> Json:
    """Answer ids and thread ids."""
    rows, next_token = find(call)
    answer: Json = {"resultSizeEstimate": len(rows) + (1 if next_token else 0)}
    if rows:
        answer["messages"] = [{"id": row["id"], "threadId": row["thread_id"]} for row in rows]
    return answer | ({"nextPageToken": next_token} if next_token else {})


def get(call: Call, id: str) -> Json:
    """Answer one message in the format asked for."""
    return payload.show(call, mailbox.get_message(call.db, call.account, id))


def send(call: Call) -> Json:
    """Send a mail to its recipients."""
    raw = delivery.read_raw(call.body, call.media)
    return show_short(call, delivery.send(call, raw, asked_thread=call.body.get("threadId")))


def insert(call: Call) -> Json:
    """Put a mail into the mailbox as it is (like IMAP APPEND)."""
    raw = delivery.read_raw(call.body, call.media)
    uses_date = call.args.get("internalDateSource") == "dateHeader"
    return show_short(
        call, delivery.receive(call, raw, labels=_read_labels(call, "labelIds"), use_date_header=uses_date)
    )


def import_(call: Call) -> Json:
    """Put a mail into the mailbox as if it had arrived by SMTP."""
    raw = delivery.read_raw(call.body, call.media)
    uses_date = call.args.get("internalDateSource", "dateHeader") == "dateHeader"
    labels = _read_labels(call, "labelIds") or list(delivery.INBOX_LABELS)
    return show_short(call, delivery.receive(call, raw, labels=labels, use_date_header=uses_date))


def modify(call: Call, id: str) -> Json:
    """Change one message's labels."""
    return show_short(call, _modify(call, id))


def batch_modify(call: Call) -> None:
    """Change the labels of up to 1,000 messages; unknown ids are passed over, as Gmail does."""
    for message_id in _read_ids(call):
        try:
            _modify(call, message_id)
        except GoogleError as error:
            if error.code != 404:
                raise


def batch_delete(call: Call) -> None:
    """Delete up to 1,000 messages for ever."""
    for message_id in _read_ids(call):
        try:
            mailbox.delete_message(call.db, call.account, message_id)
        except GoogleError as error:
            if error.code != 404:
                raise


def trash(call: Call, id: str) -> Json:
    """Move a message to the trash."""
    return show_short(call, mailbox.change_labels(call.db, call.account, id, ["TRASH"], ["INBOX"]))


def untrash(call: Call, id: str) -> Json:
    """Take a message out of the trash."""
    return show_short(call, mailbox.change_labels(call.db, call.account, id, [], ["TRASH"]))


def delete(call: Call, id: str) -> None:
    """Delete a message for ever."""
    mailbox.delete_message(call.db, call.account, id)


def get_attachment(call: Call, messageId: str, id: str) -> Json:
    """Answer an attachment's content."""
    return payload.show_attachment(call, messageId, id)


def show_short(call: Call, row: sqlite3.Row) -> Json:
    """Return what Gmail answers to a change: id, thread and labels."""
    return {"id": row["id"], "threadId": row["thread_id"], "labelIds": mailbox.get_labels(call.db, row["id"])}


def _modify(call: Call, message_id: str) -> sqlite3.Row:
    add, remove = _read_labels(call, "addLabelIds"), _read_labels(call, "removeLabelIds")
    if not add and not remove:
        raise make_invalid("No label add or removes specified")
    return mailbox.change_labels(call.db, call.account, message_id, add, remove)


def _read_labels(call: Call, name: str) -> list[str]:
    return _read_strings(call.body.get(name, []), name)


def _read_ids(call: Call) -> list[str]:
    ids = _read_strings(call.body.get("ids", []), "ids")
    if not ids or len(ids) > MAX_BATCH:
        raise make_invalid("No message ids specified." if not ids else "Too many message ids.")
    return ids


def _read_strings(value: object, name: str) -> list[str]:
    if not isinstance(value, Iterable) or isinstance(value, str):
        raise make_invalid(f"Invalid value at '{name}'")
    return [str(item) for item in value]


METHODS = {
    "messages.list": list_, "messages.get": get, "messages.send": send, "messages.insert": insert,
    "messages.import": import_, "messages.modify": modify, "messages.batchModify": batch_modify,
    "messages.batchDelete": batch_delete, "messages.trash": trash, "messages.untrash": untrash,
    "messages.delete": delete, "messages.attachments.get": get_attachment,
}  # fmt: skip
