"""Holds an app to so many requests at once; whoever comes beyond that is asked to come again."""

from collections.abc import Callable, Iterable
from threading import BoundedSemaphore
from typing import Any

from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wsgi import ClosingIterator

StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
WAIT_SECONDS = 2.0
WAITING_AT_ONCE = 4
RETRY_SECONDS = 5


class Bounded:
    """Calls `app` for at most `limit` requests at once, until each one's answer is closed."""

    def __init__(self, app: Wsgi, limit: int) -> None:
        self.app = app
        self.places = BoundedSemaphore(limit)
        self.queue = BoundedSemaphore(WAITING_AT_ONCE)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, or 503 with `Retry-After` where no place came free in time."""
        if not self._take_place():
            return ServiceUnavailable(retry_after=RETRY_SECONDS)(environ, start_response)
        try:
            body = self.app(environ, start_response)
        except BaseException:
            self.places.release()
            raise
        return ClosingIterator(body, self.places.release)

    def _take_place(self) -> bool:
        if self.places.acquire(blocking=False):
            return True
        if not self.queue.acquire(blocking=False):
            return False  # waiting holds a thread, too
        try:
            return self.places.acquire(timeout=WAIT_SECONDS)
        finally:
            self.queue.release()
