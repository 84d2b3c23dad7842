"""People from a CSV file: looked at, taken in without doubling, each refused line told; and people as a file."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server import jobs, recurring
from server.accounts.models import Member
from server.events.models import UNOWNED, Event
from server.people import imports
from server.people.columns import guess_columns
from server.people.csv_files import find_encoding, find_separator, guard, unguard
from server.people.custom_fields import add_field
from server.people.models import ImportState, Person, PersonAddress, PersonImport, RefusedLine
from server.people.people import change_owner
from server.people.queries import read_people
from tests.feed.events import make_event
from tests.people.conftest import Team, forget, make_person

Browse = Callable[[Member], FlaskClient]


def upload(client: FlaskClient, content: str | bytes, name: str = "people.csv") -> Any:
    data = content.encode() if isinstance(content, str) else content
    head = f'--cut\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + b"\r\n--cut--\r\n"
    return client.post("/people/imports", data=body, content_type="multipart/form-data; boundary=cut")


def bring(client: FlaskClient, session: Session, content: str | bytes, **options: Any) -> PersonImport:
    """Upload a file, take the guessed columns, and let the worker do its work."""
    answer = upload(client, content)
    assert answer.status_code == 303, answer.text
    path = answer.headers["Location"]
    session.commit()
    row = session.get_one(PersonImport, int(path.rsplit("/", 1)[1]))
    form = {"columns": row.columns, "owner": "me", "existing": "update", **options}
    session.commit()
    answer = client.post(f"{path}/run", data=form)
    assert answer.status_code == 303, answer.text
    forget(session)
    jobs.import_people(row.id)
    return session.get_one(PersonImport, row.id)


def figures(row: PersonImport) -> tuple[int, int, int, int]:
    return row.added, row.updated, row.skipped, row.refused


def reasons(session: Session) -> dict[int, str]:
    return {line.line: line.reason for line in session.exec(select(RefusedLine)).all()}


def test_a_french_file_is_understood(session: Session, team: Team, browse: Browse) -> None:
    field = add_field(session, team.alice.workspace_id, "Secteur")
    session.commit()
    content = (
        "Prénom;Nom;Adresse e-mail;Société;Fonction;Téléphone;Secteur;Inconnu\r\n"
        "Zoé;Dupré;Zoe@Encom.example;Encom;Directrice;06 12 34 56 78;Jeux;x\r\n"
    ).encode("cp1252")
    client = browse(team.alice)
    page = client.get(upload(client, content).headers["Location"]).text
    assert "Zoé" in page and "06 12 34 56 78" in page
    row = bring(client, session, content)
    assert figures(row) == (1, 0, 0, 0) and row.state == ImportState.DONE
    person = session.exec(select(Person)).one()
    assert (person.name, person.company, person.job_title, person.phone) == (
        "Zoé Dupré", "Encom", "Directrice", "06 12 34 56 78",
    )  # fmt: skip
    assert person.custom == {str(field.id): "Jeux"} and person.owner_id == team.alice.id
    assert read_people(session, person.workspace_id, [team.alice.id], search="dupre").lines[0].id == person.id
    assert "The import is done" in client.get(f"/people/imports/{row.id}").text


def test_bad_lines_lose_nothing_else(session: Session, team: Team, browse: Browse) -> None:
    make_person(session, team.bob, "Ben", "ben@encom.example")
    content = (
        "Name,Email,Other addresses,Phone,LinkedIn\n"
        'Ann,ann@a.example,"ann2@a.example, ann3@a.example",+1 555 0100,\n'
        "No address,,,,\n"
        '"Two\nlines",x@@y,,,\n'
        "Bad phone,bad@a.example,,call me,\n"
        "Bad link,bad2@a.example,,,javascript:alert(1)\n"
        "Bob's,ben@encom.example,,,\n"
        "Too many,many@a.example,,,,,surplus\n"
        "\n"
        "Cy,cy@a.example,,,\n"
    )
    client = browse(team.alice)
    row = bring(client, session, content)
    assert figures(row) == (2, 0, 0, 6)
    told = reasons(session)
    assert sorted(told) == [3, 4, 6, 7, 8, 9]
    assert "is not a phone number" in told[6] and "not a LinkedIn profile" in told[7]
    assert "assigned to a colleague" in told[8] and "more cells" in told[9]
    emails = session.exec(select(PersonAddress.email).join(Person).where(Person.name == "Ann")).all()
    assert set(emails) == {"ann@a.example", "ann2@a.example", "ann3@a.example"}
    refused = client.get(f"/people/imports/{row.id}/refused.csv")
    lines = list(csv.reader(io.StringIO(refused.get_data().decode("utf-8-sig"))))
    assert lines[0] == ["Line", "Reason", "Name", "Email", "Other addresses", "Phone", "LinkedIn"]
    assert lines[2][0] == "4" and lines[2][2] == "Two\nlines" and len(lines) == 7
    assert "Bad phone" in client.get(f"/people/imports/{row.id}").text


def test_known_people_are_brought_up_to_date_or_left(session: Session, team: Team, browse: Browse) -> None:
    person = make_person(session, team.alice, "Kevin", "kevin@encom.example", company="Encom", phone="123")
    content = "Name,Email,Company,Phone\nClu,KEVIN@encom.example,,456\n"
    client = browse(team.alice)
    assert figures(bring(client, session, content, existing="skip")) == (0, 0, 1, 0)
    assert session.get_one(Person, person.id).name == "Kevin"
    session.commit()
    assert figures(bring(client, session, content)) == (0, 1, 0, 0)
    person = session.get_one(Person, person.id)
    assert (person.name, person.company, person.phone) == ("Clu", "Encom", "456")
    assert read_people(session, person.workspace_id, [team.alice.id], search="clu").lines


def test_one_person_in_several_lines_is_one(session: Session, team: Team, browse: Browse) -> None:
    content = (
        "Name,Email,Other addresses,Phone\nAnn,a@a.example,,\nAnn B,A@a.example,b@a.example,77 77\nAnn,b@a.example,,\n"
    )
    row = bring(browse(team.alice), session, content)
    assert figures(row) == (1, 2, 0, 0)
    person = session.exec(select(Person)).one()
    assert (person.name, person.phone) == ("Ann", "77 77")
    assert len(session.exec(select(PersonAddress)).all()) == 2
    found = read_people(session, person.workspace_id, [team.alice.id], search="b@a")
    assert [line.name for line in found.lines] == ["Ann"]


def test_addresses_of_two_people_on_a_line_are_refused(session: Session, team: Team, browse: Browse) -> None:
    make_person(session, team.alice, "Ann", "a@a.example")
    make_person(session, team.alice, "Ben", "b@a.example")
    row = bring(browse(team.alice), session, "Email,Other addresses\na@a.example,b@a.example\n")
    assert figures(row) == (0, 0, 0, 1) and "Merge them first" in reasons(session)[2]


def test_owners_come_from_a_column(session: Session, team: Team, browse: Browse) -> None:
    unowned = make_person(session, team.alice, "Free", "free@a.example")
    change_owner(session, unowned, None)
    session.commit()
    content = (
        "Email,Owner\na@a.example,bob@acme.example\nb@a.example,Mona\nc@a.example,\n"
        "d@a.example,mallory@evil.example\nfree@a.example,bob@acme.example\n"
    )
    row = bring(browse(team.mona), session, content, owner="column")
    assert figures(row) == (3, 1, 0, 1) and "no member" in reasons(session)[5]
    chosen = select(PersonAddress.email, Person.owner_id).join(Person)
    assert dict(session.exec(chosen).all()) == {
        "a@a.example": team.bob.id, "b@a.example": team.mona.id, "c@a.example": None, "free@a.example": team.bob.id,
    }  # fmt: skip


def test_who_is_imported_has_what_they_did_before(session: Session, team: Team, browse: Browse) -> None:
    make_event(session, team.alice, member_id=UNOWNED, person_address="lora@encom.example")
    session.commit()
    bring(browse(team.alice), session, "Email\nlora@encom.example\n")
    assert session.exec(select(Event.member_id)).one() == team.alice.id


def test_a_killed_import_goes_on_without_doubling(session: Session, team: Team, browse: Browse) -> None:
    lines = "".join(f"Person {number},p{number}@a.example\n" for number in range(250))
    client = browse(team.alice)
    path = upload(client, "Name,Email\n" + lines).headers["Location"]
    client.post(f"{path}/run", data={"columns": ["name", "email"], "owner": "me", "existing": "skip"})
    session.commit()
    import_id = int(path.rsplit("/", 1)[1])
    steps = imports.run(session, import_id)
    next(steps)
    session.commit()
    next(steps)  # taken in, and killed before the commit
    steps.close()
    session.rollback()
    forget(session)
    assert len(session.exec(select(Person.id)).all()) == 100
    session.commit()
    assert "100 of 250 lines" in client.get(path).text
    session.commit()
    assert imports.find_unfinished(session) == [import_id]
    session.commit()
    for _twice in range(2):
        jobs.import_people(import_id)
    session.expire_all()
    row = session.get_one(PersonImport, import_id)
    assert (figures(row), row.state) == ((250, 0, 0, 0), ImportState.DONE)
    assert len(session.exec(select(Person.id)).all()) == 250
    assert not imports.path_of(import_id).exists() and imports.find_unfinished(session) == []


def test_an_import_whose_file_is_gone_says_so(session: Session, team: Team, browse: Browse) -> None:
    client = browse(team.alice)
    path = upload(client, "Email\na@a.example\n").headers["Location"]
    client.post(f"{path}/run", data={"columns": ["email"], "owner": "me", "existing": "skip"})
    import_id = int(path.rsplit("/", 1)[1])
    imports.path_of(import_id).unlink()
    jobs.import_people(import_id)
    jobs.import_people(999)
    assert "the uploaded file is gone" in client.get(path).text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no lines below"), ("Email\n", "no lines below"), ("Email\n" + "a@a.example\n" * 50_001, "at most 50000"),
        ("Email\n" + "x" * 200_000, "cannot be read as CSV"), ("x" * (10 * 2**20 + 1), "at most 10 MB"),
        ("x" * (12 * 2**20), "at most 10 MB"),
    ],
    ids=["empty", "headings", "lines", "cell", "bytes", "more bytes"],
)  # fmt: skip
def test_a_file_that_cannot_be_taken_says_why(team: Team, browse: Browse, content: str, words: str) -> None:
    answer = upload(browse(team.alice), content)
    assert answer.status_code in (413, 422) and words in answer.text
    assert list(imports.path_of(0).parent.glob("*")) == []


def test_no_file_is_refused_where_it_was_chosen(team: Team, browse: Browse) -> None:
    answer = browse(team.alice).post("/people/imports", data={})
    assert answer.status_code == 422 and "Choose a CSV file" in answer.text


@pytest.mark.parametrize(
    "form",
    [
        {"columns": ["name", "company"]}, {"columns": ["email"]}, {"columns": ["email", "email"]},
        {"columns": ["email", "custom-999"]}, {"columns": ["email", ""], "owner": "column"},
        {"columns": ["email", ""], "owner": "x"}, {"columns": ["email", ""], "existing": "x"},
    ],
)  # fmt: skip
def test_a_choice_that_cannot_be_is_refused_and_shown_again(team: Team, browse: Browse, form: dict[str, Any]) -> None:
    client = browse(team.alice)
    path = upload(client, "Email,Name\na@a.example,Ann\n").headers["Location"]
    answer = client.post(f"{path}/run", data={"owner": "me", "existing": "update", **form})
    assert answer.status_code == 422 and 'role="alert"' in answer.text and "a@a.example" in answer.text


def test_an_import_is_its_members_own(session: Session, team: Team, browse: Browse) -> None:
    path = upload(browse(team.alice), "Email\na@a.example\n").headers["Location"]
    for other in (team.bob, team.mona, team.mallory):
        client = browse(other)
        assert client.get(path).status_code == client.get(f"{path}/refused.csv").status_code == 404
        assert client.post(f"{path}/run").status_code == client.post(f"{path}/removal").status_code == 404


def test_a_discarded_file_is_deleted(session: Session, team: Team, browse: Browse) -> None:
    client = browse(team.alice)
    path = upload(client, "Email\na@a.example\n").headers["Location"]
    import_id = int(path.rsplit("/", 1)[1])
    assert imports.path_of(import_id).exists()
    assert client.post(f"{path}/removal").status_code == 303
    assert not imports.path_of(import_id).exists() and client.get(path).status_code == 404


def test_files_that_nobody_needs_are_swept(session: Session, team: Team, browse: Browse) -> None:
    client = browse(team.alice)
    kept = int(upload(client, "Email\na@a.example\n").headers["Location"].rsplit("/", 1)[1])
    imports.path_of(999).write_text("left over")
    recurring.sweep_import_files()
    assert imports.path_of(kept).exists() and not imports.path_of(999).exists()


def test_letters_and_separators_are_found() -> None:
    assert find_encoding("é".encode()) == "utf-8-sig"
    assert find_encoding("é".encode("cp1252")) == "cp1252"
    assert find_encoding(b"\x81\xe9") == "latin-1"
    assert find_encoding("é".encode("utf-16")) == "utf-16"
    assert [find_separator(f"a{one}b{one}c\n1{one}2{one}3") for one in ",;\t"] == list(",;\t")
    assert find_separator('a;"b,c,d,e"\n1;"2,3,4,5"') == ";"
    assert find_separator("") == find_separator("email\na@b.example") == ","


def test_headings_of_both_languages_are_guessed() -> None:
    assert guess_columns(["E-Mail Address", "FULL NAME", "Tél.", "Société", "Email"], []) == [
        "email", "name", "phone", "company", "",
    ]  # fmt: skip
    assert guess_columns(["Nom", "Courriel"], []) == ["name", "email"]
    assert guess_columns(["Prénom", "Nom", "mail"], []) == ["first_name", "last_name", "email"]


@pytest.mark.parametrize("cell", ["=1+1", "+33 6", "-1", "@x", "\tx", "\rx", "plain", "'quoted", ""])
def test_no_cell_is_a_formula_and_each_comes_back(cell: str) -> None:
    assert not guard(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguard(guard(cell)) == cell


def test_an_export_is_whole_safe_and_can_be_imported_again(session: Session, team: Team, browse: Browse) -> None:
    field = add_field(session, team.alice.workspace_id, "=Industry")
    person = make_person(
        session, team.alice, '=HYPERLINK("http://evil.example")', "a@a.example", phone="+33 6 12", notes='"two"\nlines'
    )
    person.custom = {str(field.id): "@SUM(1)"}
    session.add(person)
    make_person(session, team.bob, "Ben")
    make_person(session, team.mallory, "Max")
    client = browse(team.alice)
    answer = client.get("/people/export.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="people.csv"'
    content = answer.get_data()
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert len(rows) == 2 and rows[0][-1] == "'=Industry"
    assert rows[1][0] == '\'=HYPERLINK("http://evil.example")' and rows[1][5] == "'+33 6 12"
    assert rows[1][-1] == "'@SUM(1)"
    assert b"Ben" not in client.get("/people/export.csv?of=team").get_data()
    team_file = browse(team.mona).get("/people/export.csv?of=team").get_data()
    assert b"Ben" in team_file and b"HYPERLINK" in team_file and b"Max" not in team_file
    session.commit()
    assert figures(bring(browse(team.alice), session, content)) == (0, 1, 0, 0)
    person = session.get_one(Person, person.id)
    assert (person.phone, person.custom) == ("+33 6 12", {str(field.id): "@SUM(1)"})
    assert person.name.startswith("=HYPERLINK")
