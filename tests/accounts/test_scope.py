"""Whose engagement a member sees: Alice owns, Bob is her colleague, Mona manages, Mallory is elsewhere."""

import pytest
from sqlmodel import Session

from server.accounts.models import Role, Workspace
from server.accounts.scope import Scope, scope_of
from tests.factories import add, make_member


def test_bob_never_sees_more_than_his_own(session: Session) -> None:
    bob = make_member(session, "Bob")
    assert scope_of(session, bob, team=True) == Scope(bob.workspace_id, bob.id)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.ADMIN])
def test_mona_sees_the_team_when_she_asks(session: Session, role: Role) -> None:
    mona = make_member(session, "Mona", role=role)
    assert scope_of(session, mona, team=True) == Scope(mona.workspace_id, None)
    assert scope_of(session, mona) == Scope(mona.workspace_id, mona.id)


def test_mona_sees_only_her_own_where_the_workspace_says_so(session: Session) -> None:
    workspace = add(session, Workspace(name="Private team", managers_see_team=False))
    mona = make_member(session, "Mona", workspace, role=Role.MANAGER)
    assert scope_of(session, mona, team=True) == Scope(workspace.id, mona.id)
