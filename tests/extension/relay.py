"""Stands between the extension and a Warmline: can be away, and can make the extension look older than it is."""

import socket
import threading
from contextlib import suppress


class Relay:
    """Passes connections on to `port` of this machine; `url` is its own address, the same after each absence."""

    def __init__(self, port: int) -> None:
        self.ages: tuple[bytes, bytes] | None = None
        self._target = port
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start()

    @property
    def url(self) -> str:
        """The address to pair with."""
        return f"http://127.0.0.1:{self.port}"

    def leave(self) -> None:
        """Refuse connections, and end those that are open."""
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._thread.join(5)
        self._open.clear()

    def come_back(self) -> None:
        """Take connections again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._start()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._take, args=(self._listener,), daemon=True)
        self._thread.start()

    def _take(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _address = listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            self._open |= {near, far}
            threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_question: bool) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                target.sendall(chunk.replace(*self.ages) if is_question and self.ages else chunk)
            target.shutdown(socket.SHUT_WR)
