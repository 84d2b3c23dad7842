"""Sending under fire, in its short form: the whole of it is `chaos/sends.py`."""

import pytest

from tests.performing import perform


@pytest.mark.chaos
def test_every_mail_is_accepted_once_while_google_fails_and_workers_are_killed() -> None:
    [figures] = perform("chaos/sends.py", "--sends", "60", "--kills", "3", "--faults", "0.3")
    assert (figures["once"], figures["lost"], figures["doubled"], figures["kills"]) == (60, 0, 0, 3)
    assert figures["message_ids"] == 60
