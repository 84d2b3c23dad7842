"""Google's batch endpoint: up to 100 calls in one multipart/mixed request, each answered in a part of its own."""

import email
from email.message import Message

from flask import Blueprint, Response, current_app, request
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response as PlainResponse

from server.sandbox.stand_in.errors import make_invalid

MAX_CALLS = 100
LEFT_OUT = ("content-length", "host")
BOUNDARY = "batch_stand-in"

bp = Blueprint("batch", __name__)


@bp.post("/batch")
@bp.post("/batch/<path:service>")
def batch(service: str = "") -> Response:
    """Run each call of the batch; the outer Authorization holds where a call has none."""
    head = f"Content-Type: {request.headers.get('Content-Type', '')}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + request.get_data()).get_payload()
    if not isinstance(parts, list) or not 0 < len(parts) <= MAX_CALLS:
        raise make_invalid(f"A batch holds 1 to {MAX_CALLS} calls.")
    answers = [_run(part) for part in parts if isinstance(part, Message)]
    body = b"".join(b"--" + BOUNDARY.encode() + b"\r\n" + answer for answer in answers)
    return Response(body + f"--{BOUNDARY}--".encode(), content_type=f"multipart/mixed; boundary={BOUNDARY}")


def _run(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    text = payload if isinstance(payload, bytes) else b""
    line, _, rest = text.replace(b"\r\n", b"\n").partition(b"\n")
    inner = email.message_from_bytes(rest)
    method, target = [*line.decode(errors="replace").split(" "), "", ""][:2]
    headers = Headers([(name, str(value)) for name, value in inner.items() if name.lower() not in LEFT_OUT])
    headers.setdefault("Authorization", request.headers.get("Authorization", ""))
    content = inner.get_payload(decode=True)
    environ = EnvironBuilder(
        path=target, method=method or "GET", headers=headers, data=content if isinstance(content, bytes) else b""
    ).get_environ()
    answer = PlainResponse.from_app(current_app.wsgi_app, environ)
    reply = f"HTTP/1.1 {answer.status}\r\nContent-Type: {answer.content_type}\r\n\r\n".encode() + answer.get_data()
    content_id = f"<response-{str(part.get('Content-ID', '')).strip('<>')}>"
    return f"Content-Type: application/http\r\nContent-ID: {content_id}\r\n\r\n".encode() + reply + b"\r\n"
