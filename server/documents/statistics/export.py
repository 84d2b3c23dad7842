"""The reading of a document as CSV: a line for each visit and page, safe to open in a spreadsheet."""

from collections.abc import Iterator

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from server.accounts.scope import Scope
from server.documents.models import DocumentVersion
from server.documents.statistics.queries import read_pages, walk_visits
from server.people.csv_files import write_row

MARK = "\ufeff"  # without it Excel takes UTF-8 for Windows' letters


def list_columns() -> list[str]:
    """Return the heading of each column, in the reader's language."""
    return [
        _("Reader"), _("Email"), _("Version"), _("Visit"), _("Began at (UTC)"), _("Device"), _("City"), _("Country"),
        _("Downloads"), _("Page"), _("Seconds in view"),
    ]  # fmt: skip


def write_readings(session: Session, scope: Scope, document_id: int, columns: list[str]) -> Iterator[str]:
    """Yield the lines of a CSV file with every visit's time on each page, the newest visit first."""
    numbers = dict(
        session.exec(
            select(DocumentVersion.id, DocumentVersion.number).where(col(DocumentVersion.document_id) == document_id)
        ).all()
    )
    yield MARK + write_row(columns)
    for visits in walk_visits(session, scope, document_id):
        pages = read_pages(session, [visit.id for visit in visits])
        for visit in visits:
            cells = [
                visit.name or visit.address or " / ".join(visit.candidates), visit.address,
                str(numbers.get(visit.version_id, "")), str(visit.id),
                visit.started_at.strftime("%Y-%m-%d %H:%M:%S"), visit.device, visit.place_city or "",
                visit.place_country or "", str(visit.downloads),
            ]  # fmt: skip
            for page, ms in (pages.get(visit.id) or {0: 0}).items():
                yield write_row([*cells, str(page or ""), f"{ms / 1000:.3f}"])
