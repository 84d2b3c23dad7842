"""Alice writes templates, Bob is her colleague, Mallory works elsewhere."""

import pytest
from sqlmodel import Session

from server.accounts.models import Member, Workspace
from server.library.models import Template
from server.library.templates import TemplateDraft, add_template, share
from tests.factories import make_mailbox, make_member


@pytest.fixture
def alice(session: Session) -> Member:
    """A rep with a mailbox."""
    alice = make_member(session)
    make_mailbox(session, alice)
    return alice


@pytest.fixture
def bob(session: Session, alice: Member) -> Member:
    """Alice's colleague, a rep too."""
    return make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))


@pytest.fixture
def mallory(session: Session) -> Member:
    """A member of another workspace."""
    return make_member(session, "Mallory")


def make_template(session: Session, member: Member, name: str = "Hello", **fields: str | bool) -> Template:
    """Add a template of `member`, shared where `is_shared` says so."""
    is_shared = bool(fields.pop("is_shared", False))
    given = {"name": name, "subject": "Hello {{first_name|there}}", "html": "<p>Hi {{first_name|there}}</p>", **fields}
    template = add_template(session, member, TemplateDraft(**given))  # type: ignore[arg-type]
    share(session, template, is_shared=is_shared)
    return template
