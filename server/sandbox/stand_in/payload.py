"""Shows a stored mail in the formats of `messages.get`: minimal, full, metadata, raw."""

import email
import sqlite3
from email.message import Message

from server.sandbox.stand_in.errors import GoogleError, make_invalid, make_not_found
from server.sandbox.stand_in.mail import decode, encode_base64, read_part
from server.sandbox.stand_in.mailbox import get_labels, get_message
from server.sandbox.stand_in.rest import Call, Json

ATTACHMENT_PREFIX = "ANGjdJ"
FORMATS = ("minimal", "full", "metadata", "raw")


def show(call: Call, row: sqlite3.Row) -> Json:
    """Return the Message resource in the format that the call asks for."""
    wanted = call.args.get("format", "full").lower()
    if wanted not in FORMATS:
        raise make_invalid(f"Invalid value at 'format': {wanted}")
    if wanted in ("full", "raw") and call.has_only_metadata():
        if "format" in call.args:
            raise GoogleError(403, "forbidden", f"Metadata scope doesn't allow format {wanted.upper()}")
        wanted = "metadata"
    shown = {
        "id": row["id"],
        "threadId": row["thread_id"],
        "labelIds": get_labels(call.db, row["id"]),
        "snippet": row["snippet"],
        "sizeEstimate": len(row["raw"]),
        "historyId": str(row["history_id"]),
        "internalDate": str(row["internal_date"]),
    }
    if wanted == "raw":
        return shown | {"raw": encode_base64(row["raw"])}
    if wanted == "minimal":
        return shown
    message = email.message_from_bytes(row["raw"])
    if wanted == "metadata":
        names = [name.lower() for name in call.args.getlist("metadataHeaders")]
        headers = [header for header in _headers(message) if not names or header["name"].lower() in names]
        return shown | {"payload": {"mimeType": message.get_content_type(), "headers": headers}}
    return shown | {"payload": _show_part(message, "")}


def _headers(message: Message) -> list[dict[str, str]]:
    return [{"name": name, "value": decode(value)} for name, value in message.items()]


def _show_part(part: Message, part_id: str) -> Json:
    shown: Json = {
        "partId": part_id,
        "mimeType": part.get_content_type(),
        "filename": decode(part.get_filename() or ""),
        "headers": _headers(part),
    }
    children = part.get_payload()
    if isinstance(children, list):
        prefix = f"{part_id}." if part_id else ""
        parts = [_show_part(child, f"{prefix}{index}") for index, child in enumerate(children)]
        return shown | {"body": {"size": 0}, "parts": parts}
    content = read_part(part)
    if shown["filename"] or part.get_content_maintype() not in ("text", "message"):
        attachment_id = ATTACHMENT_PREFIX + encode_base64(f"part {part_id}".encode()).rstrip("=")
        return shown | {"body": {"attachmentId": attachment_id, "size": len(content)}}
    return shown | {"body": {"size": len(content), **({"data": encode_base64(content)} if content else {})}}


def show_attachment(call: Call, message_id: str, attachment_id: str) -> Json:
    """Return the MessagePartBody of an attachment; raises 404 for an id that this message does not have."""
    row = get_message(call.db, call.account, message_id)
    for part_id, part in _walk(email.message_from_bytes(row["raw"]), ""):
        if attachment_id == ATTACHMENT_PREFIX + encode_base64(f"part {part_id}".encode()).rstrip("="):
            content = read_part(part)
            return {"size": len(content), "data": encode_base64(content)}
    raise make_not_found()


def _walk(part: Message, part_id: str) -> list[tuple[str, Message]]:
    found, children = [(part_id, part)], part.get_payload()
    if isinstance(children, list):
        prefix = f"{part_id}." if part_id else ""
        for index, child in enumerate(children):
            found += _walk(child, f"{prefix}{index}")
    return found
