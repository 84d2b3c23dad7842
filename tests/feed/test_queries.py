"""The feed's reads: its order, its pages while rows come in, and whose rows they are."""

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlmodel import Session

from server.accounts.models import Role, Workspace
from server.accounts.scope import Scope, scope_of
from server.errors import Refused
from server.events.models import UNOWNED, Verdict
from server.feed.queries import Page, count_hidden, read_after, read_last_id, read_names, read_page
from tests.factories import make_member
from tests.feed.events import make_event


def ids(page: Page) -> list[int]:
    return [row.id for row in page.rows]


def test_newest_comes_first_and_ties_go_by_id(session: Session) -> None:
    alice = make_member(session)
    early = make_event(session, alice, minutes=1)
    late = make_event(session, alice, minutes=9)
    twin = make_event(session, alice, minutes=9)
    arrived_last = make_event(session, alice, minutes=5)
    page = read_page(session, scope_of(session, alice))
    assert ids(page) == [twin.id, late.id, arrived_last.id, early.id]
    assert page.next is None


def test_pages_join_without_gap_or_repeat_while_rows_are_added(session: Session) -> None:
    alice = make_member(session)
    scope = scope_of(session, alice)
    before = [make_event(session, alice, minutes=n // 3).id for n in range(20)]
    seen: list[int] = []
    cursor = None
    while True:
        page = read_page(session, scope, before=cursor, limit=3)
        seen += ids(page)
        make_event(session, alice, minutes=100)  # newer than everything read so far
        if (cursor := page.next) is None:
            break
    assert seen == sorted(before, reverse=True)


def test_a_full_last_page_has_no_next(session: Session) -> None:
    alice = make_member(session)
    for minute in range(4):
        make_event(session, alice, minutes=minute)
    first = read_page(session, scope_of(session, alice), limit=2)
    second = read_page(session, scope_of(session, alice), before=first.next, limit=2)
    assert first.next is not None
    assert second.next is None


def test_machine_rows_show_only_when_asked_for_and_at_their_place(session: Session) -> None:
    alice = make_member(session)
    scope = scope_of(session, alice)
    first = make_event(session, alice, minutes=1)
    machine = make_event(session, alice, minutes=2, is_shown=False, verdict=Verdict.MACHINE)
    last = make_event(session, alice, minutes=3)
    assert ids(read_page(session, scope)) == [last.id, first.id]
    newest = read_page(session, scope, show_machine=True, limit=2)
    assert ids(newest) == [last.id, machine.id]
    assert ids(read_page(session, scope, before=newest.next, show_machine=True)) == [first.id]
    assert count_hidden(session, scope) == 1


def test_colleague_and_stranger_never_see_the_rows_of_alice(session: Session) -> None:
    alice = make_member(session, "Alice")
    bob = make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))
    mallory = make_member(session, "Mallory", role=Role.ADMIN)
    make_event(session, alice)
    for other in (bob, mallory):
        scope = scope_of(session, other, team=True)
        assert ids(read_page(session, scope, show_machine=True)) == []
        assert read_after(session, 0, scope=scope) == []
        assert count_hidden(session, scope) == 0


def test_manager_sees_the_team_only_where_the_workspace_allows_it(session: Session) -> None:
    alice = make_member(session, "Alice")
    workspace = session.get_one(Workspace, alice.workspace_id)
    carol = make_member(session, "Carol", workspace, role=Role.MANAGER)
    row = make_event(session, alice)
    assert ids(read_page(session, scope_of(session, carol))) == []
    assert ids(read_page(session, scope_of(session, carol, team=True))) == [row.id]
    assert read_names(session, carol.workspace_id) == {alice.id: "Alice", carol.id: "Carol"}
    workspace.managers_see_team = False
    session.flush()
    assert ids(read_page(session, scope_of(session, carol, team=True))) == []


def test_what_came_after_an_id_comes_in_the_order_of_ids(session: Session) -> None:
    alice = make_member(session)
    bob = make_member(session, "Bob")
    scope = scope_of(session, alice)
    first = make_event(session, alice, minutes=5)
    make_event(session, bob)
    late_arrival = make_event(session, alice, minutes=1)
    hidden = make_event(session, alice, minutes=2, is_shown=False)
    last = make_event(session, alice, minutes=3)
    assert ids(read_page(session, scope, after_id=first.id)) == [late_arrival.id, last.id]
    assert ids(read_page(session, scope, after_id=first.id, show_machine=True)) == [late_arrival.id, hidden.id, last.id]
    assert [row.id for row in read_after(session, first.id, hidden.id, scope=scope)] == [late_arrival.id, hidden.id]
    assert read_last_id(session) == last.id


@pytest.mark.parametrize("cursor", ["", "x", "!!!!", "MQ", "MS4yLjM", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OS4x", "é"])
def test_a_made_up_cursor_is_refused(session: Session, cursor: str) -> None:
    with pytest.raises(Refused, match="cursor") as caught:
        read_page(session, Scope(1, 1), before=cursor)
    assert caught.value.status == 400


def test_a_page_is_one_query(session: Session) -> None:
    alice = make_member(session)
    make_event(session, alice)
    scope = scope_of(session, alice)
    statements: list[str] = []
    engine = session.get_bind().engine
    sqlalchemy_event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    read_page(session, scope, show_machine=True)
    assert len(statements) == 1
    assert "evidence" not in statements[0]


def test_rows_that_nobody_owns_stand_in_every_feed_of_their_workspace(session: Session) -> None:
    alice = make_member(session)
    bob = make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))
    mallory = make_member(session, "Mallory")
    unowned = make_event(session, alice, minutes=2, member_id=UNOWNED)
    hidden = make_event(session, alice, minutes=4, member_id=UNOWNED, is_shown=False)
    own = make_event(session, alice, minutes=3)
    for member, shown in ((alice, [own.id, unowned.id]), (bob, [unowned.id]), (mallory, [])):
        assert ids(read_page(session, scope_of(session, member))) == shown
        assert sorted(ids(read_page(session, scope_of(session, member), after_id=0))) == sorted(shown)
    assert ids(read_page(session, scope_of(session, bob), show_machine=True)) == [hidden.id, unowned.id]
    assert count_hidden(session, scope_of(session, bob)) == 1
    assert count_hidden(session, scope_of(session, mallory)) == 0


def test_pages_join_over_owned_and_unowned_rows(session: Session) -> None:
    alice = make_member(session)
    made = [
        make_event(session, alice, minutes=n // 2, member_id=UNOWNED if n % 3 else alice.id, is_shown=n % 4 > 0).id
        for n in range(25)
    ]
    seen: list[int] = []
    cursor = None
    while True:
        page = read_page(session, scope_of(session, alice), before=cursor, limit=4, show_machine=True)
        seen += ids(page)
        if (cursor := page.next) is None:
            break
    assert seen == made[::-1]
