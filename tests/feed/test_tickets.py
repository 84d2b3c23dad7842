"""Tickets of the live stream: good for a minute, for one purpose, and only unaltered."""

import pytest
import time_machine

from server.clock import now
from server.feed.tickets import LIFETIME_SECONDS, Ticket, make_ticket, read_ticket
from server.keys import Keyring
from server.tracking.tokens import to_text

KEYS = Keyring({1: b"k" * 32})
TICKET = Ticket(
    member_id=1, workspace_id=2, session_id=3, token_id=None, is_team=False, show_machine=True, wants_rows=True,
    locale="fr",
)  # fmt: skip


def test_a_ticket_says_what_it_was_made_for() -> None:
    assert read_ticket(KEYS, make_ticket(KEYS, TICKET)) == TICKET


def test_a_ticket_expires_after_a_minute() -> None:
    with time_machine.travel(now(), tick=False) as clock:
        text = make_ticket(KEYS, TICKET)
        clock.shift(LIFETIME_SECONDS - 2)
        assert read_ticket(KEYS, text) == TICKET
        clock.shift(4)
        assert read_ticket(KEYS, text) is None


def test_a_ticket_of_other_keys_or_for_another_purpose_opens_nothing() -> None:
    assert read_ticket(Keyring({1: b"x" * 32}), make_ticket(KEYS, TICKET)) is None
    assert read_ticket(KEYS, to_text(KEYS.sign("device-ticket", b'{"member_id":1}'))) is None


@pytest.mark.parametrize("text", ["", "a", "ä", "A" * 2000, "AQ", "====", "../../etc"])
def test_what_was_never_a_ticket_opens_nothing(text: str) -> None:
    assert read_ticket(KEYS, text) is None


def test_an_altered_ticket_opens_nothing_wherever_it_is_altered() -> None:
    text = make_ticket(KEYS, TICKET)
    for position in range(len(text)):
        other = "A" if text[position] != "A" else "B"
        assert read_ticket(KEYS, text[:position] + other + text[position + 1 :]) is None
