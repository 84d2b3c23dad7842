"""Serving an app on a real port of this machine, for a test that comes with a real browser."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler


class _Handler(WSGIRequestHandler):
    timeout = 5  # seconds that a browser's idle connection holds its thread

    def log(self, *_words: Any, **_names: Any) -> None:
        """Leave the test's output alone."""


def _whole(app: Any) -> Any:
    """Return `app`, its answers read and closed before they are sent: this server forgets it if a browser is gone."""

    def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = app(environ, start_response)
        try:
            return [b"".join(body)]
        finally:
            if hasattr(body, "close"):
                body.close()

    return answer


@contextmanager
def serving(app: Any) -> Iterator[BaseWSGIServer]:
    """Serve a WSGI app until the end of the block, and leave only when each request begun is answered."""
    server = ThreadedWSGIServer("127.0.0.1", 0, _whole(app), _Handler)
    server.daemon_threads = False  # so that closing waits for them
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
