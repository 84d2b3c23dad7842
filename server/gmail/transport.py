"""The HTTP connection to Gmail: httplib2 without the hidden second try that would send a mail twice.

httplib2 repeats any request by itself when the connection ends without an answer, in the belief that an idle
connection had gone stale. For `drafts.send` that is a second send. Here only a GET is repeated: before any other
request a connection that looks stale is replaced, and one that ends during it raises.
"""

import http.client
from typing import Any

import httplib2
from urllib3.util import wait_for_read

TIMEOUT_SECONDS = 30


class _OneTry:
    _repeatable = False

    def request(self, method: str, *arguments: Any, **options: Any) -> None:
        self._repeatable = method == "GET"
        sock = getattr(self, "sock", None)
        if sock is not None and wait_for_read(sock, timeout=0):
            self.close()  # type: ignore[attr-defined] # readable before we asked anything: the server hung up
        super().request(method, *arguments, **options)  # type: ignore[misc]

    def getresponse(self) -> Any:
        try:
            return super().getresponse()  # type: ignore[misc]
        except http.client.BadStatusLine as error:
            if self._repeatable:
                raise
            raise ConnectionAbortedError("the connection ended before the answer") from error


class _OneTryConnection(_OneTry, httplib2.HTTPConnectionWithTimeout):
    pass


class _OneTryTlsConnection(_OneTry, httplib2.HTTPSConnectionWithTimeout):
    pass


class OneTryHttp(httplib2.Http):
    """An `httplib2.Http` that gives up soon, follows no redirect and never repeats an effect."""

    def __init__(self) -> None:
        super().__init__(timeout=TIMEOUT_SECONDS)  # type: ignore[no-untyped-call]
        self.follow_redirects = False

    def request(self, uri: str, *arguments: Any, **options: Any) -> Any:
        """Send one request; as in httplib2, but for its repetition."""
        options["connection_type"] = _OneTryTlsConnection if uri.startswith("https:") else _OneTryConnection
        return super().request(uri, *arguments, **options)  # type: ignore[no-untyped-call]
