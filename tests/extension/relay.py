"""Stands between the extension and a Warmline: can be away, and can make the extension look older than it is."""

import socket
import threading
from contextlib import suppress

from tests.ports import find_ports


class Relay:
    """Passes connections on to `port` of this machine; `url` is its own address, the same after each absence."""

    def __init__(self, port: int) -> None:
        self.ages: tuple[bytes, bytes] | None = None
        self._target = port
        self._open: set[socket.socket] = set()
        self.port = find_ports()
        self.come_back()

    @property
    def url(self) -> str:
        """The address to pair with."""
        return f"http://127.0.0.1:{self.port}"

    def leave(self) -> None:
        """Refuse connections, and end those that are open."""
        _end(self._listener)
        self._thread.join()  # it may be taking one more
        for one in self._open:
            _end(one)
        self._open.clear()

    def come_back(self) -> None:
        """Take connections again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
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
                ages = self.ages
                target.sendall(chunk.replace(*ages) if is_question and ages else chunk)
            target.shutdown(socket.SHUT_WR)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
