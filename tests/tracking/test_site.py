"""The page Settings → Website: hosts, the snippet, a secret shown once, visits."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session

from server.accounts.models import Member, Role
from server.clock import now
from server.errors import Refused
from server.events.models import EventKind
from server.events.record import MARKETING, Fact, record
from server.keys import get_keys
from server.tracking.site.sites import find_site, is_on_site, read_hosts, read_secret
from tests.factories import make_member
from tests.sign_in import sign_in

HTMX = {"HX-Request": "true"}


@pytest.fixture
def admin(session: Session, client: FlaskClient) -> Member:
    admin = make_member(session, role=Role.ADMIN)
    sign_in(client, admin)
    return admin


def test_an_admin_names_the_hosts_and_gets_the_snippet(client: FlaskClient, session: Session, admin: Member) -> None:
    assert "&lt;script" not in client.get("/settings/site").text
    answer = client.post("/settings/site", data={"hosts": "https://Acme.example/shop\nencom.example"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings/site")
    page = client.get("/settings/site").text
    assert re.search(r"&lt;script src=\"http://127\.0\.0\.1:8001/s/[\w-]{44}\.js\" defer&gt;", page)
    assert "acme.example\nencom.example" in page
    site = find_site(session, admin.workspace_id)
    assert site is not None
    assert not site.takes_unsigned


def test_saving_again_keeps_the_key(client: FlaskClient, session: Session, admin: Member) -> None:
    keys = set()
    for data in ({"hosts": "acme.example"}, {"hosts": "encom.example", "takes_unsigned": "on"}):
        text = client.post("/settings/site", data=data, headers=HTMX).text
        assert text.lstrip().startswith('<div id="site">')
        keys |= set(re.findall(r"/s/([\w-]+)\.js", text))
    assert len(keys) == 1
    site = find_site(session, admin.workspace_id)
    assert site is not None
    assert (site.hosts, site.takes_unsigned) == (["encom.example"], True)


def test_what_is_no_host_is_refused_where_it_was_written(client: FlaskClient, session: Session, admin: Member) -> None:
    for hosts in (
        "",
        "acme example!",
        "acme.example, <script>",
        "a" * 300,
        "\n".join(f"{n}.example" for n in range(21)),
    ):
        answer = client.post("/settings/site", data={"hosts": hosts}, headers=HTMX)
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
        assert "<script>" not in answer.text
    assert find_site(session, admin.workspace_id) is None


def test_the_secret_is_shown_once_and_kept_sealed(client: FlaskClient, session: Session, admin: Member) -> None:
    assert client.post("/settings/site/secret").status_code == 303  # no site yet
    client.post("/settings/site", data={"hosts": "acme.example"})
    text = client.post("/settings/site/secret", headers=HTMX).text
    (secret,) = re.findall(r'id="secret" value="([^"]+)"', text)
    assert secret not in client.get("/settings/site").text
    site = find_site(session, admin.workspace_id)
    assert site is not None
    assert site.sealed_secret is not None
    assert secret.encode() not in site.sealed_secret
    assert read_secret(get_keys(), site) == secret
    session.rollback()
    (second,) = re.findall(r'id="secret" value="([^"]+)"', client.post("/settings/site/secret").text)
    assert second != secret


def test_a_removed_site_is_gone(client: FlaskClient, session: Session, admin: Member) -> None:
    client.post("/settings/site", data={"hosts": "acme.example"})
    assert client.post("/settings/site/removal").status_code == 303
    assert find_site(session, admin.workspace_id) is None
    session.rollback()
    assert client.post("/settings/site/removal", headers=HTMX).status_code == 200


def test_visits_of_the_last_day_are_counted(client: FlaskClient, session: Session, admin: Member) -> None:
    client.post("/settings/site", data={"hosts": "acme.example"})
    assert "None yet" in client.get("/settings/site").text
    site = find_site(session, admin.workspace_id)
    assert site is not None
    site.last_visit_at = now()
    session.add(site)
    for hours in (1, 2, 23, 25):
        record(
            session,
            [
                Fact(
                    EventKind.WEB_VISITED, now() - timedelta(hours=hours), f"v{hours}", content_kind=MARKETING,
                    workspace_id=admin.workspace_id, person_address="a@b.example", evidence={"reported": "human"},
                )
            ],
        )  # fmt: skip
    session.commit()
    assert "3 in the last 24 hours" in client.get("/settings/site").text


@pytest.mark.parametrize("role", [Role.REP, Role.MANAGER])
def test_only_admins_see_the_page(client: FlaskClient, session: Session, role: Role) -> None:
    sign_in(client, make_member(session, role=role))
    assert client.get("/settings/site").status_code == 403
    assert client.post("/settings/site/secret").status_code == 403


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("ACME.example", ["acme.example"]),
        ("https://www.acme.example:8443/a?b acme.example;acme.example", ["www.acme.example", "acme.example"]),
        ("bücher.example", ["xn--bcher-kva.example"]),
        ("localhost", ["localhost"]),
        ("127.0.0.1", ["127.0.0.1"]),
    ],
)
def test_hosts_are_read_as_people_write_them(text: str, hosts: list[str]) -> None:
    assert read_hosts(text) == hosts


@pytest.mark.parametrize("text", ["http://", "a..b", "-a.example", "a_b.example", "https://[::1", "*.acme.example"])
def test_what_names_no_host_is_refused(app: object, text: str) -> None:
    with pytest.raises(Refused):
        read_hosts(text)


def test_what_stands_below_a_host_belongs_to_it(session: Session, admin: Member) -> None:
    from server.tracking.site.models import Site

    site = Site(workspace_id=1, public_id="", hosts=["acme.example", "xn--bcher-kva.example"])
    for url in ("https://acme.example/", "http://a.b.ACME.example:81/x", "https://www.bücher.example/"):
        assert is_on_site(site, url)
    for url in ("https://xacme.example/", "https://acme.example.evil.example", "https://[x", "about:blank", ""):
        assert not is_on_site(site, url)
