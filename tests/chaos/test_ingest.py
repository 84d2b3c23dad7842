"""Ingest under fire, in its short form: the whole of it is `chaos/ingest.py`."""

import pytest

from tests.performing import perform


@pytest.mark.chaos
def test_every_answered_hit_is_stored_once_while_programs_are_killed() -> None:
    [figures] = perform("chaos/ingest.py", "--hits", "1000", "--kills", "6")
    assert (figures["ok"], figures["lost"], figures["invented"], figures["doubled"]) == (1000, 0, 0, 0)
    assert sum(figures["kills"].values()) == 6
