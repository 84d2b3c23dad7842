"""Several edges and workers under fire, in its short form: the whole of it is `chaos/machines.py`."""

import pytest

from tests.performing import perform


@pytest.mark.chaos
def test_every_hit_answered_by_any_edge_is_stored_once_by_any_worker() -> None:
    [figures] = perform("chaos/machines.py", "--hits", "600", "--kills", "6")
    assert (figures["ok"], figures["lost"], figures["invented"], figures["doubled"]) == (600, 0, 0, 0)
    assert sum(figures["kills"].values()) == 6
