"""The file of an upload form: more of it than other forms may carry, and refused where it is none we take."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import request
from flask_babel import gettext as _
from werkzeug.exceptions import RequestEntityTooLarge

from server.config import get_settings
from server.documents.failures import refuse
from server.documents.uploads import Upload, most_request_bytes, take_upload
from server.errors import Refused


@contextmanager
def take_file() -> Iterator[Upload]:
    """Yield the request's file, examined. No transaction may be open: examining takes its time."""
    settings = get_settings()
    limit = most_request_bytes(settings)
    if (request.content_length or 0) > limit:
        raise refuse("too_large")  # before any of it is read
    request.max_content_length = limit
    try:
        file = request.files.get("file")
    except RequestEntityTooLarge:
        raise refuse("too_large") from None
    if file is None or not file.filename:
        raise Refused(_("Choose a file."), field="file")
    with take_upload(settings, file.stream, file.filename) as upload:
        yield upload
