"""Who a token is, and its mailboxes."""

from sqlmodel import Session

from server.accounts.models import Member
from tests.api.conftest import START, Program
from tests.factories import make_mailbox, make_member


def test_me_names_the_member_and_the_workspace(program: Program, alice: Member) -> None:
    assert program.get("/me").get_json() == {
        "id": alice.id,
        "email": "alice@acme.example",
        "name": "Alice",
        "role": "rep",
        "workspace": {"id": alice.workspace_id, "name": "Alice's team"},
    }


def test_mailboxes_show_their_health_and_no_secret(program: Program, session: Session, alice: Member) -> None:
    mailbox = make_mailbox(session, alice, refresh_token_sealed=b"sealed", watch_expires_at=START)
    make_mailbox(session, make_member(session, "Mallory"))
    session.commit()
    answer = program.get("/mailboxes")
    assert answer.get_json() == {
        "items": [
            {
                "id": mailbox.id,
                "email": "alice@acme.example",
                "state": "linked",
                "state_reason": "",
                "watch_expires_at": "2026-03-02T09:00:00Z",
                "last_push_at": None,
                "last_sync_at": None,
            }
        ],
        "next": None,
    }
    assert "sealed" not in answer.text
