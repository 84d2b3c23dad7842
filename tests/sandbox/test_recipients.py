"""The simulated recipients act on mail over HTTP, and only where they may."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from pytest_httpserver import HTTPServer

from server.config import Settings
from server.sandbox import cast
from server.sandbox.letters import is_allowed
from server.sandbox.mailboxes import Mailboxes
from server.sandbox.recipients import Recipients
from tests.stand_in import ALAN, DEMO, FLYNN, KEVIN, LORA, StandIn

INES, JONAS, PRIYA = cast.INES.email, cast.JONAS.email, cast.PRIYA.email


MINUTE = 60.0


@pytest.fixture
def edge(httpserver: HTTPServer) -> HTTPServer:
    """A recipients' edge that answers everything."""
    httpserver.expect_request("/o/s/pixel.gif").respond_with_data(b"GIF89a", content_type="image/gif")
    for number in range(3):
        target = {"Location": "http://192.0.2.1/never-fetched"}
        httpserver.expect_request(f"/c/s/link{number}").respond_with_data(status=302, headers=target)
    return httpserver


@pytest.fixture
def recipients(stand_in: StandIn, edge: HTTPServer, tmp_path: Path) -> Iterator[Recipients]:
    """All recipients of the stand-in; the test is their clock."""
    settings = Settings(
        _env_file=None, warmline_home=tmp_path, stand_in_port=stand_in.port, edge_base_url=edge.url_for("").rstrip("/")
    )  # type: ignore[call-arg]
    with Mailboxes(settings) as mailboxes:
        made = Recipients(mailboxes, Random(1), 0.0)
        yield made
        made.close()


def write_html(edge: HTTPServer, links: int = 1) -> str:
    marked = "".join(f'<a href="{edge.url_for(f"/c/s/link{number}")}">Link {number}</a>' for number in range(links))
    return (
        f'<p>Hello {marked} <a href="http://192.0.2.1/outside">outside</a></p>'
        f'<img src="{edge.url_for("/o/s/pixel.gif")}"><img src="http://192.0.2.1/outside.png">'
    )


def let_act(recipients: Recipients, now: float = 0.0) -> None:
    recipients.look_for_mail(now)
    recipients.act(now + MINUTE, lambda: True)


def hits(edge: HTTPServer) -> list[tuple[str, str, str]]:
    return [(request.method, request.path, request.headers["User-Agent"]) for request, _answer in edge.log]


def test_person_looks_and_clicks_and_colleague_answers(
    stand_in: StandIn, recipients: Recipients, edge: HTTPServer
) -> None:
    stand_in.send(DEMO, FLYNN, "Quote", html=write_html(edge))
    let_act(recipients)
    assert [path for _method, path, _agent in hits(edge)] == ["/o/s/pixel.gif", "/c/s/link0"]
    (reply,) = stand_in.list_inbox(DEMO)
    assert reply["headers"]["from"] == '"Kevin F." <kevinf@flynnsarcade.com>'
    assert reply["headers"]["subject"] == "Re: Quote"
    (own,) = stand_in.list_inbox(DEMO, "in:sent")
    assert reply["headers"]["references"] == own["headers"]["message-id"]
    assert reply["threadId"] == own["threadId"]


def test_nobody_acts_twice_on_a_mail(stand_in: StandIn, recipients: Recipients, edge: HTTPServer) -> None:
    stand_in.send(DEMO, KEVIN, "Quote", html=write_html(edge))
    let_act(recipients)
    seen = len(hits(edge))
    let_act(recipients, now=MINUTE)
    assert len(hits(edge)) == seen == 2
    assert len(stand_in.list_inbox(DEMO)) == 1


def test_reader_without_images_only_answers(stand_in: StandIn, recipients: Recipients, edge: HTTPServer) -> None:
    stand_in.send(DEMO, ALAN, "Quote", html=write_html(edge))
    let_act(recipients)
    assert hits(edge) == []
    (reply,) = stand_in.list_inbox(DEMO)
    assert reply["headers"]["from"] == "Alan Bradley <alan@encom.com>"


@pytest.mark.parametrize(("address", "agent"), [(LORA, "Mozilla/5.0"), (INES, "GoogleImageProxy"), (JONAS, "Firefox")])
def test_image_is_fetched_by_the_recipients_own_program(
    stand_in: StandIn, recipients: Recipients, edge: HTTPServer, address: str, agent: str
) -> None:
    stand_in.send(DEMO, address, "Quote", html=write_html(edge))
    let_act(recipients)
    agents = [agent for _method, path, agent in hits(edge) if path.startswith("/o/")]
    assert agents[0] == agent or agent in agents[0]


def test_scanner_tries_every_link_with_head_and_get(
    stand_in: StandIn, recipients: Recipients, edge: HTTPServer
) -> None:
    stand_in.send(DEMO, PRIYA, "Quote", html=write_html(edge, links=3))
    let_act(recipients)
    tried = {(method, path) for method, path, _agent in hits(edge) if path.startswith("/c/")}
    assert tried == {(method, f"/c/s/link{number}") for method in ("HEAD", "GET") for number in range(3)}


def test_absent_person_answers_automatically(stand_in: StandIn, recipients: Recipients) -> None:
    stand_in.send(DEMO, cast.HANNAH.email, "Renewal")
    let_act(recipients)
    (reply,) = stand_in.list_inbox(DEMO)
    assert reply["headers"]["auto-submitted"] == "auto-replied"
    assert reply["headers"]["subject"] == "Automatic reply: Renewal"


def test_nobody_answers_a_machine(stand_in: StandIn, recipients: Recipients) -> None:
    stand_in.send(DEMO, f"{KEVIN}, {cast.HANNAH.email}", "Notice", Auto_Submitted="auto-generated")
    let_act(recipients)
    assert stand_in.list_inbox(DEMO) == []


def test_recipients_stop_before_the_next_act(stand_in: StandIn, recipients: Recipients, edge: HTTPServer) -> None:
    stand_in.send(DEMO, KEVIN, "Quote", html=write_html(edge))
    answers = iter([True])
    recipients.look_for_mail(0.0)
    recipients.act(MINUTE, lambda: next(answers, False))
    recipients.act(MINUTE, lambda: True)
    assert [path for _method, path, _agent in hits(edge)] == ["/o/s/pixel.gif"]
    assert stand_in.list_inbox(DEMO) == []


def test_acts_wait_for_their_time(stand_in: StandIn, recipients: Recipients, edge: HTTPServer) -> None:
    stand_in.send(DEMO, FLYNN, "Quote", html=write_html(edge))
    recipients.step(0.0, lambda: True)
    assert hits(edge) == []
    recipients.step(4.0, lambda: True)
    assert [path for _method, path, _agent in hits(edge)] == ["/o/s/pixel.gif"]


def test_remembered_letter_is_looked_at_again(stand_in: StandIn, recipients: Recipients, edge: HTTPServer) -> None:
    stand_in.send(DEMO, JONAS, "Quote", html=write_html(edge))
    let_act(recipients)
    before = len(hits(edge))
    recipients.remember()
    recipients.plan_return(MINUTE)
    let_act(recipients, now=MINUTE)
    assert len(hits(edge)) == before + 1


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://edge.example/o/x.gif", True),
        ("http://127.0.0.1:9/o/x.gif", True),
        ("http://[::1]/o/x.gif", True),
        ("https://edge.example.evil.example/o/x.gif", False),
        ("https://edge.example:444/o/x.gif", False),
        ("https://evil.example/https://edge.example/", False),
        ("https://edge.example@evil.example/", False),
        ("ftp://edge.example/x", False),
        ("file:///etc/passwd", False),
        ("cid:logo", False),
        ("http://[", False),
    ],
)
def test_recipients_go_nowhere_but_to_the_edge(url: str, allowed: bool) -> None:
    assert is_allowed(url, "https://edge.example") is allowed
