"""How a call's body arrives: JSON, or Google's three upload protocols (media, multipart, resumable)."""

import email
import json
import re
import secrets
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from flask import Response, jsonify, request

from server.sandbox.stand_in.errors import GoogleError, make_invalid
from server.sandbox.stand_in.store import get_store


@dataclass(frozen=True, slots=True)
class Upload:
    """The JSON body and the media of a call, or the answer to a step that is not the last of an upload."""

    body: dict[str, Any] = field(default_factory=dict)
    media: bytes | None = None
    answer: Response | None = None


def receive() -> Upload:
    """Read the current request's body, by its `uploadType`."""
    if "/upload/" not in request.path:
        return Upload(_read_json(request.get_data()))
    if "upload_id" in request.args:
        return _receive_chunk(request.args["upload_id"])
    kind = request.args.get("uploadType", "media")
    if kind == "resumable":
        return Upload(answer=_begin_resumable())
    if kind == "multipart":
        return _read_multipart()
    return Upload(media=request.get_data())


def _read_json(data: bytes) -> dict[str, Any]:
    if not data.strip():
        return {}
    try:
        body = json.loads(data)
    except ValueError as error:
        raise GoogleError(400, "parseError", "Parse Error") from error
    if not isinstance(body, dict):
        raise make_invalid("Invalid JSON payload received.")
    return body


def _read_multipart() -> Upload:
    head = f"Content-Type: {request.headers.get('Content-Type', '')}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + request.get_data()).get_payload()
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], Message):
        raise make_invalid("A multipart upload needs two parts: the metadata and the media.")
    metadata = parts[0].get_payload(decode=True)
    boundary = re.search(r'boundary="?([^";]+)', request.headers.get("Content-Type", ""))
    return Upload(_read_json(metadata if isinstance(metadata, bytes) else b""), _media_of(boundary))


def _media_of(boundary: "re.Match[str] | None") -> bytes:
    """Return the second part's bytes untouched; the email package would rewrite a message inside it."""
    if boundary is None:
        raise make_invalid("A multipart upload needs a boundary.")
    section = request.get_data().split(b"--" + boundary[1].encode())[2]
    return re.sub(rb"\r?\n\Z", b"", re.split(rb"\r?\n\r?\n", section, maxsplit=1)[-1])


def _begin_resumable() -> Response:
    upload_id = secrets.token_urlsafe(24)
    body = _read_json(request.get_data())
    with get_store().writing() as db:
        db.execute("INSERT INTO upload VALUES (?, ?, ?)", (upload_id, json.dumps(body), b""))
    response = jsonify({})
    response.headers["Location"] = f"{request.base_url}?uploadType=resumable&upload_id={upload_id}"
    response.headers["X-GUploader-UploadID"] = upload_id
    return response


def _receive_chunk(upload_id: str) -> Upload:
    with get_store().writing() as db:
        row = db.execute("SELECT * FROM upload WHERE id = ?", (upload_id,)).fetchone()
        if row is None:
            raise GoogleError(404, "notFound", "Upload session not found.")
        received = row["received"] + request.get_data()
        total = re.fullmatch(r"bytes (?:\*|\d+-\d+)/(\d+|\*)", request.headers.get("Content-Range", "bytes */*"))
        if total is None:
            raise make_invalid("Failed to parse Content-Range header.")
        if (total[1] == "*" and "Content-Range" not in request.headers) or total[1] == str(len(received)):
            db.execute("DELETE FROM upload WHERE id = ?", (upload_id,))
            return Upload(json.loads(row["body"]), received)
        db.execute("UPDATE upload SET received = ? WHERE id = ?", (received, upload_id))
    response = Response(status=308)
    if received:
        response.headers["Range"] = f"bytes=0-{len(received) - 1}"
    return Upload(answer=response)
