"""Gmail's users.labels."""

import secrets

from server.sandbox.stand_in.errors import GoogleError, make_invalid, make_not_found
from server.sandbox.stand_in.mailbox import SYSTEM_LABELS
from server.sandbox.stand_in.rest import Call, Json


def list_(call: Call) -> Json:
    """Answer all labels, without counts."""
    own = call.db.execute("SELECT id, name FROM label WHERE account = ? ORDER BY name", (call.account,))
    system = [{"id": name, "name": name, "type": "system"} for name in SYSTEM_LABELS]
    return {"labels": system + [{"id": row["id"], "name": row["name"], "type": "user"} for row in own]}


def get(call: Call, id: str) -> Json:
    """Answer one label with its counts."""
    label = next((label for label in list_(call)["labels"] if label["id"] == id), None)
    if label is None:
        raise make_not_found()
    shown: Json = label
    return shown | _count(call, id, "messages", "m.id") | _count(call, id, "threads", "m.thread_id")


def create(call: Call) -> Json:
    """Add a label; raises 409 where the name is taken."""
    name = str(call.body.get("name", "")).strip()
    if not name:
        raise make_invalid("Invalid label name")
    if any(label["name"].lower() == name.lower() for label in list_(call)["labels"]):
        raise GoogleError(409, "aborted", "Label name exists or conflicts")
    label_id = f"Label_{secrets.randbits(60)}"
    call.db.execute("INSERT INTO label VALUES (?, ?, ?)", (call.account, label_id, name))
    shown = {"id": label_id, "name": name, "type": "user"}
    return shown | {key: call.body[key] for key in ("messageListVisibility", "labelListVisibility") if key in call.body}


def _count(call: Call, label_id: str, prefix: str, column: str) -> Json:
    counts = {}
    for key, only in (
        ("Total", ""),
        ("Unread", "AND m.id IN (SELECT message_id FROM message_label WHERE label_id='UNREAD')"),
    ):
        row = call.db.execute(
            f"""SELECT count(DISTINCT {column}) AS n FROM message m JOIN message_label l ON l.message_id = m.id
                WHERE m.account = ? AND l.label_id = ? {only}""",  # noqa: S608 - our own columns
            (call.account, label_id),
        ).fetchone()
        counts[prefix + key] = row["n"]
    return counts


METHODS = {"labels.list": list_, "labels.get": get, "labels.create": create}
