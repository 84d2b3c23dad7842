"""Free ports for what a test starts, apart from those that another test process looks among."""

import os
import socket
from contextlib import ExitStack

LOWEST, SLOTS, WIDTH = 20_000, 500, 24  # below the ports that the system gives to clients
STRIDE = 309  # slots between those of two processes that follow each other, so that neither comes into the other's


def find_ports(count: int = 1) -> int:
    """Return the first of `count` neighbouring ports that are free on this machine, at most 24.

    Raises:
        OSError: there are none.
    """
    for number in range(SLOTS):
        first = LOWEST + (os.getpid() * STRIDE + number) % SLOTS * WIDTH
        try:
            with ExitStack() as held:
                for port in range(first, first + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
                return first
        except OSError:
            continue
    raise OSError(f"no {count} neighbouring ports are free")
