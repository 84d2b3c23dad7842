"""What tests of documents start from: Alice, her mailbox, and files of each kind."""

import pytest
from sqlmodel import Session

from server.accounts.models import Member
from tests.factories import make_member


@pytest.fixture
def alice(session: Session) -> Member:
    """A rep with a workspace of her own."""
    return make_member(session)
