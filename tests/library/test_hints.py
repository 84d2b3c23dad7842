"""The hints: each for what it names, none for an ordinary mail."""

import pytest

from server.library.hints import find_hints

GOOD = '<p>Hello, <a href="https://acme.example/menu">menu</a>. <img src="https://acme.example/l.png" alt="Acme"></p>'


def codes(subject: str | None, html: str, **options: bool) -> list[str]:
    return [hint.code for hint in find_hints(subject, html, **options)]


def test_an_ordinary_mail_has_none() -> None:
    assert codes("Lunch on Thursday?", GOOD) == []
    assert codes("Q3 OK", GOOD) == []
    assert codes(None, GOOD) == []


@pytest.mark.parametrize(
    ("subject", "html", "code"),
    [
        ("", GOOD, "no-subject"),
        ("BUY NOW TODAY", GOOD, "capitals"),
        ("Hi", '<img src="https://acme.example/a.png" alt="Everything">', "no-text"),
        ("Hi", GOOD + '<img src="https://acme.example/a.png">', "no-alt"),
        ("Hi", GOOD + '<img src="https://acme.example/a.png" alt="a">' * 6, "many-images"),
        ("Hi", GOOD + '<img src="data:image/png;base64,AA" alt="a">', "data-image"),
        ("Hi", GOOD + '<a href="https://acme.example/a">a</a>' * 8, "many-links"),
        ("Hi", GOOD + '<a href="https://bit.ly/3x">more</a>', "shortener"),
        ("Hi", GOOD + '<a href="https://evil.example/">www.acme.example</a>', "other-address"),
        ("Hi", GOOD + "x" * 92 * 1024, "large"),
        ("Hi", GOOD + "x" * 103 * 1024, "clipped"),
    ],
)
def test_each_is_given_for_what_it_names(subject: str, html: str, code: str) -> None:
    assert codes(subject, html) == [code]


def test_a_link_that_shows_its_own_host_is_fine() -> None:
    assert codes("Hi", GOOD + '<a href="https://www.acme.example/a?b">acme.example</a>') == []
    assert codes("Hi", GOOD + '<a href="https://docs.acme.example/">acme.example</a>') == []


def test_a_campaign_needs_a_way_to_unsubscribe() -> None:
    assert codes("Hi", GOOD, needs_unsubscribe=True) == ["unsubscribe"]
