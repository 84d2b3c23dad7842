"""When somebody says to be back, in four languages."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.messages.absence import find_return_date, read_return_date

TODAY = date(2026, 11, 20)  # a Friday


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("I am out of the office and will be back on Monday, December 7th.", (12, 7)),
        ("I will return to the office on 8 December 2026.", (12, 8)),
        ("Thank you for your message. I'm returning on the 1st of December.", (12, 1)),
        ("I'll be back next week", (11, 23)),
        ("I am away and back tomorrow.", (11, 21)),
        ("I am on leave until Monday 30 November.", (11, 30)),
        ("On vacation through December 4, 2026. For urgent matters call Bob.", (12, 5)),
        ("Out of office from 23 November to 27 November", (11, 28)),
        ("I'll be back in the office 12/08/2026", (12, 8)),
        ("I'll be back on Wednesday", (11, 25)),
        ("Back on Friday!", (11, 27)),
        ("I will be available again from 2026-12-14.", (12, 14)),
        ("I will be out of the office starting 11/23/2026 and will return on 11/30/2026.", (11, 30)),
        ("Je suis absent jusqu’au 4 décembre inclus.", (12, 5)),
        ("Je serai de retour le lundi 7 décembre 2026.", (12, 7)),
        ("Absente du bureau du 23/11 au 27/11", (11, 28)),
        ("De retour le 1er décembre", (12, 1)),
        ("Ich bin ab dem 07.12.2026 wieder für Sie da.", (12, 7)),
        ("Ich bin bis einschließlich 04.12. nicht im Büro.", (12, 5)),
        ("Ich bin bis zum 4. Dezember im Urlaub.", (12, 5)),
        ("Am Montag bin ich wieder im Büro erreichbar ab 9 Uhr, zurück am Dienstag", (11, 24)),
        ("Ich bin vom 23.11. bis 27.11. abwesend.", (11, 28)),
        ("Estaré de vuelta el 9 de diciembre.", (12, 9)),
        ("Estoy fuera de la oficina hasta el 4 de diciembre de 2026.", (12, 5)),
        ("Regreso el lunes", (11, 23)),
        ("Vuelvo mañana", (11, 21)),
    ],
)
def test_a_note_says_when_somebody_is_back(text: str, day: tuple[int, int]) -> None:
    assert find_return_date(text, TODAY) == date(2026, *day)


def test_a_day_without_a_year_is_the_next_one() -> None:
    assert find_return_date("I am back on 4 January", TODAY) == date(2027, 1, 4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I am out of the office. Best regards",
        "I was back on 3 March 2019.",
        "Call me back.",
        "I will be back on 31 February 2027",
        "Our office opened on December 7th; thank you for writing.",
        "I'll be back on 8 December 2031",
    ],
)
def test_no_day_is_made_up(text: str) -> None:
    assert find_return_date(text, TODAY) is None


def test_the_day_is_read_from_html_and_from_any_charset_but_never_from_what_is_quoted() -> None:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    html = b"Subject: Away\r\nContent-Type: text/html; charset=x-nonsense\r\n\r\n<p>I return on <b>8 December</b></p>"
    assert read_return_date(html, at) == date(2026, 12, 8)
    quoted = b"Subject: Away\r\nContent-Type: text/plain\r\n\r\nI am away.\r\n> I will be back on 8 December\r\n"
    assert read_return_date(quoted, at) is None


@given(st.binary(max_size=400), st.text(max_size=200))
def test_nothing_crashes(raw: bytes, text: str) -> None:
    read_return_date(raw, datetime(2026, 11, 20, tzinfo=UTC))
    find_return_date(f"back on {text} until {text}", TODAY)
