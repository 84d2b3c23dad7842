"""People as CSV: a page at a time, so that a million of them need no more memory than one page."""

from collections.abc import Iterator

from flask_babel import gettext as _
from sqlmodel import Session

from server.feed.queries import read_names
from server.people.csv_files import write_row
from server.people.custom_fields import list_fields
from server.people.models import Person
from server.people.people import find_by_ids
from server.people.projections import read_emails_of
from server.people.queries import Owners, read_people

PAGE_SIZE = 500
MARK = "\ufeff"  # without it Excel takes UTF-8 for Windows' letters
Columns = list[tuple[str, str]]


def list_columns(session: Session, workspace_id: int) -> Columns:
    """Return (field, heading in the reader's language) of each column."""
    own = [(f"custom-{field.id}", field.name) for field in list_fields(session, workspace_id)]
    return [
        ("name", _("Name")), ("email", _("Email")), ("emails", _("Other addresses")), ("company", _("Company")),
        ("job_title", _("Job title")), ("phone", _("Phone")), ("linkedin_url", _("LinkedIn")), ("owner", _("Owner")),
        ("notes", _("Notes")), *own,
    ]  # fmt: skip


def write_people(session: Session, workspace_id: int, owners: Owners, columns: Columns) -> Iterator[str]:
    """Yield the lines of a CSV file with the people of `owners`, by name."""
    names = read_names(session, workspace_id)
    yield MARK + write_row([heading for _field, heading in columns])
    after: str | None = None
    while True:
        page = read_people(session, workspace_id, owners, after=after, limit=PAGE_SIZE)
        ids = [line.id for line in page.lines]
        people, emails = find_by_ids(session, ids), read_emails_of(session, ids)
        for person_id in ids:
            cells = _make_cells(people[person_id], emails.get(person_id, []), names)
            yield write_row([cells.get(field, "") for field, _heading in columns])
        session.expunge_all()
        after = page.next
        if after is None:
            return


def _make_cells(person: Person, emails: list[str], names: dict[int, str]) -> dict[str, str]:
    return {
        "name": person.name, "email": next(iter(emails), ""), "emails": ", ".join(emails[1:]),
        "company": person.company, "job_title": person.job_title, "phone": person.phone,
        "linkedin_url": person.linkedin_url, "notes": person.notes,
        "owner": names.get(person.owner_id, "") if person.owner_id else "",
        **{f"custom-{key}": str(value) for key, value in person.custom.items()},
    }  # fmt: skip
