"""Templates and snippets: whose they are, what they may hold, how they are found, removed and brought back."""

from datetime import timedelta

import pytest
import time_machine
from sqlmodel import Session, select

from server.accounts.models import Member, Role
from server.clock import now
from server.config import get_settings
from server.errors import Refused
from server.library.language import MergeError
from server.library.models import Template
from server.library.queries import make_filter, read_newest, read_templates
from server.library.templates import (
    TemplateDraft,
    add_template,
    copy_template,
    edit_template,
    get_own,
    get_template,
    may_change,
    remove,
    restore,
    share,
    sweep,
)
from server.people.custom_fields import add_field
from tests.library.conftest import make_template


def names(session: Session, member: Member, of: str = "all", kind: str = "", search: str = "") -> list[str]:
    page = read_templates(session, member, make_filter(of, kind, search))
    return [line.template.name for line in page.lines]


def test_a_template_is_its_owners_until_it_is_shared(session: Session, alice: Member, bob: Member) -> None:
    template = make_template(session, alice)
    assert names(session, bob) == []
    with pytest.raises(Refused, match="no such template"):
        get_template(session, bob, template.id)
    share(session, template)
    assert names(session, bob) == names(session, bob, "team") == ["Hello"]
    assert names(session, bob, "own") == []
    share(session, template, is_shared=False)
    assert names(session, bob) == []


def test_another_workspace_never_sees_it(session: Session, alice: Member, mallory: Member) -> None:
    template = make_template(session, alice, is_shared=True)
    mallory.role = Role.ADMIN
    assert names(session, mallory) == []
    with pytest.raises(Refused) as refused:
        get_own(session, mallory, template.id)
    assert refused.value.status == 404


def test_a_colleague_may_use_and_copy_but_not_change(session: Session, alice: Member, bob: Member) -> None:
    template = make_template(session, alice, is_shared=True)
    with pytest.raises(Refused, match="Make a copy") as refused:
        get_own(session, bob, template.id)
    assert refused.value.status == 403
    copy = copy_template(session, bob, template)
    assert (copy.name, copy.html, copy.owner_id, copy.is_shared) == ("Copy of Hello", template.html, bob.id, False)


def test_a_manager_may_change_what_is_shared_only(session: Session, alice: Member, bob: Member) -> None:
    bob.role = Role.MANAGER
    template = make_template(session, alice)
    assert not may_change(bob, template)
    share(session, template)
    assert may_change(bob, template)


def test_a_deleted_template_is_gone_and_can_be_brought_back_for_a_day(session: Session, alice: Member) -> None:
    template = make_template(session, alice)
    remove(session, template)
    assert names(session, alice) == []
    with pytest.raises(Refused):
        get_template(session, alice, template.id)
    restore(session, get_own(session, alice, template.id, with_deleted=True))
    assert names(session, alice) == ["Hello"]
    remove(session, template)
    sweep(session)
    assert session.exec(select(Template)).all() != []
    with time_machine.travel(now() + timedelta(days=2)):
        sweep(session)
    assert session.exec(select(Template)).all() == []


def test_the_list_is_in_the_order_of_names_and_pages_follow_each_other(session: Session, alice: Member) -> None:
    for name in ("delta", "Äpfel", "bravo", "Charlie"):
        make_template(session, alice, name)
    first = read_templates(session, alice, make_filter(), limit=3)
    rest = read_templates(session, alice, make_filter(), first.next, limit=3)
    assert [line.template.name for line in first.lines + rest.lines] == ["Äpfel", "bravo", "Charlie", "delta"]
    assert rest.next is None


def test_templates_are_found_by_name_and_subject_and_kind(session: Session, alice: Member) -> None:
    make_template(session, alice, "Prix 100%", subject="Votre offre")
    make_template(session, alice, "Directions", kind="snippet")
    assert names(session, alice, search="PRIX") == names(session, alice, search="offre") == ["Prix 100%"]
    assert names(session, alice, search="100%") == ["Prix 100%"]
    assert names(session, alice, search="%d") == []
    assert names(session, alice, kind="snippet") == ["Directions"]
    assert [row.name for row in read_newest(session, alice, make_filter(), None, 9)] == ["Directions", "Prix 100%"]


def test_a_snippet_has_no_subject(session: Session, alice: Member) -> None:
    assert make_template(session, alice, kind="snippet").subject == ""


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"name": " "}, "name"), ({"name": "x" * 121}, "name"), ({"name": "a\x07b"}, "name"),
     ({"subject": "a\nb"}, "subject"), ({"html": "<p> </p>"}, "html"), ({"html": "x" * 400_001}, "html"),
     ({"kind": "page"}, "kind")],
)  # fmt: skip
def test_what_cannot_be_saved_is_refused_at_its_field(
    session: Session, alice: Member, fields: dict[str, str], field: str
) -> None:
    draft = TemplateDraft(**({"name": "x", "html": "<p>x</p>"} | fields))
    with pytest.raises(Refused) as refused:
        add_template(session, alice, draft)
    assert refused.value.field == field


def test_an_unknown_field_is_refused_and_a_workspaces_own_is_known(session: Session, alice: Member) -> None:
    with pytest.raises(MergeError, match="no field “favourite_game”") as refused:
        make_template(session, alice, html="<p>{{Favourite game}}</p>")
    assert refused.value.field == "html"
    add_field(session, alice.workspace_id, "Favourite Game")
    assert make_template(session, alice, html="<p>{{Favourite game}}</p>").html == "<p>{{Favourite game}}</p>"


def test_html_is_clean_and_keeps_links_to_documents_and_fields(session: Session, alice: Member) -> None:
    link = f"{get_settings().edge_base_url}/d/9Qz0_abcdefghijklmnopq"
    html = (
        f'<p>Read <a href="{link}">this</a><script>alert(1)</script></p>'
        '<p><a href="https://acme.example/?c={{company|}}" onclick="x()">here</a> <a href="{{company|x}}">there</a></p>'
    )
    template = make_template(session, alice, html=html)
    assert f'<a href="{link}">this</a>' in template.html
    assert 'href="https://acme.example/?c={{company|}}"' in template.html
    assert 'href="{{company|x}}"' in template.html
    assert "script" not in template.html
    assert "onclick" not in template.html


def test_editing_writes_everything_but_the_kind(session: Session, alice: Member) -> None:
    template = make_template(session, alice, kind="snippet")
    edit_template(session, template, TemplateDraft("snippet", "Zebra", "Subject", "<p>new</p>"))
    assert (template.name, template.sort_name, template.subject, template.html) == ("Zebra", "zebra", "", "<p>new</p>")


def test_a_workspace_has_a_limit(session: Session, alice: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.library.templates.MOST", 1)
    template = make_template(session, alice)
    with pytest.raises(Refused, match="at most 1"):
        copy_template(session, alice, template)
