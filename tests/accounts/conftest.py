"""What tests of this room share: a Google that is the stand-in, for those who ask for it."""

from tests.stand_in import stand_in, stand_in_server

__all__ = ["stand_in", "stand_in_server"]
