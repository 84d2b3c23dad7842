"""POST /api/v1/interesting-moments (F21): a moment is an event once, however often it is sent."""

from datetime import timedelta
from typing import Any

from sqlmodel import Session

from server.clock import now
from tests.api.conftest import Program
from tests.api.test_problems import fields

AT = (now() - timedelta(hours=2)).replace(microsecond=0)


def moment(**changes: Any) -> dict[str, Any]:
    """Return a moment as Marketo would tell it."""
    return {
        "id": "im-1",
        "email": "Flynn@flynnsarcade.example",
        "name": "Kevin Flynn",
        "kind": "web",
        "text": "Read the pricing page three times",
        "at": AT.isoformat(),
        **changes,
    }


def test_a_moment_is_an_event_with_what_happened(program: Program, session: Session) -> None:
    answer = program.post("/interesting-moments", moment(url="https://encom.example/pricing"))
    assert answer.status_code == 201
    event = answer.get_json()
    assert event["kind"] == "interesting_moment"
    assert event["details"] == {"moment": "web", "text": "Read the pricing page three times"}
    assert (event["subject"], event["link"]) == ("Read the pricing page three times", "https://encom.example/pricing")
    assert event["person"] == {"id": None, "name": "Kevin Flynn", "email": "flynn@flynnsarcade.example"}
    assert (event["verdict"], event["reasons"], event["content_kind"]) == ("human", ["reported"], "marketing")
    assert program.items("/events") == [event]


def test_a_moment_sent_again_answers_the_event_of_before(program: Program) -> None:
    first = program.post("/interesting-moments", moment())
    second = program.post("/interesting-moments", moment(text="Something else", at=now().isoformat()))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.get_json() == first.get_json()
    assert len(program.items("/events")) == 1


def test_every_wrong_field_of_a_moment_is_named(program: Program) -> None:
    body = moment(kind="phone", text=" ", email="flynn", at=(now() + timedelta(days=1)).isoformat(), score=5)
    answer = program.post("/interesting-moments", body)
    assert answer.status_code == 422
    assert sorted(fields(answer)) == ["at", "email", "kind", "score", "text"]
