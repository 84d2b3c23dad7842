"""Where edges on other machines bring their journals: 200 means that it is on disk here."""

import structlog
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from server.config import get_settings
from server.keys import get_keys
from server.security import PUBLIC, allow
from server.tracking.shipping.chunk import LONGEST_FRAME_BYTES, PATH, SIGNATURE_HEADER, BadChunk, read_chunk
from server.tracking.shipping.receive import Gap, receive

log = structlog.get_logger()
bp = Blueprint("shipping", __name__)


@bp.post(PATH)
@allow(PUBLIC)  # the signature is the right
def take_chunk() -> ResponseReturnValue:
    """Keep a chunk of a journal: 200 once it is on disk, 409 where bytes before it are missing, 503 where it cannot."""
    header = request.headers.get(SIGNATURE_HEADER, "")
    if not header or (request.content_length or 0) > LONGEST_FRAME_BYTES:
        return jsonify(error="This address is for the journals of edges."), 403
    try:
        held = receive(get_settings().journal_dir, read_chunk(get_keys(), header, request.get_data))
    except BadChunk as error:
        return jsonify(error=error.message), error.status
    except Gap as gap:
        return jsonify(held=gap.held), 409
    except OSError as error:
        log.error("a chunk of a journal cannot be kept", error=str(error))
        return jsonify(error="The journal cannot be kept here now."), 503, {"Retry-After": "30"}
    return jsonify(held=held)
