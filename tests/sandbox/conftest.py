"""Every test of this room meets the stand-in as a client would: over HTTP, in a process of its own."""

import pytest

from server.config import Settings
from tests.stand_in import StandIn, stand_in, stand_in_server

__all__ = ["stand_in", "stand_in_server"]


@pytest.fixture
def settings(settings: Settings, stand_in: StandIn) -> Settings:
    """An installation whose Google is the stand-in."""
    return stand_in.point(settings)
