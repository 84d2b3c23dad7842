"""Campaigns under fire, in short form: the whole of it is `chaos/campaigns.py`."""

import pytest

from tests.performing import perform


@pytest.mark.chaos
def test_no_mail_leaves_after_an_answer_while_workers_and_tickers_are_killed() -> None:
    options = ["--reps", "3", "--people", "4", "--kills", "2", "--pause", "2", "--lead", "4", "--faults", "0.3"]
    [figures] = perform("chaos/campaigns.py", "replies", "--seed", "1", *options)
    assert (figures["late"], figures["doubled"], figures["wrong_sender"], figures["not_as_noted"]) == (0, 0, 0, 0)
    assert figures["answers"] > 3
