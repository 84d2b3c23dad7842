"""Every test of this room meets the stand-in as a client would: over HTTP, in a process of its own."""

from tests.stand_in import stand_in, stand_in_server

__all__ = ["stand_in", "stand_in_server"]
