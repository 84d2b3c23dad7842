"""An import from upload to report: a row that says how far it came, and a file that is deleted at the end."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from server import queue
from server.accounts.models import Member
from server.clock import now
from server.config import get_settings
from server.errors import Refused
from server.people.columns import guess_columns, read_columns
from server.people.csv_files import MOST_BYTES, MOST_LINES, find_encoding, find_separator, read_lines
from server.people.custom_fields import list_fields
from server.people.import_lines import take_lines
from server.people.models import ImportState, PersonImport, RefusedLine
from server.people.projections import announce

BATCH = 100
BATCHES_A_JOB = 20  # then other work of the queue has its turn
PREVIEW = 5
OWNERS = ("me", "nobody", "column")
EXISTING = ("update", "skip")
SHOWN = 20
DRAFT_DAYS = 7


def path_of(import_id: int) -> Path:
    """Return where the uploaded file of an import stands."""
    return get_settings().warmline_home / "imports" / str(import_id)


def add_import(session: Session, member: Member, file_name: str, file: IO[bytes]) -> PersonImport:
    """Keep an uploaded CSV file and look at it; refuses one that is too large, empty or no CSV."""
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Refused(_("A file has at most %(most)s MB. Split it.", most=MOST_BYTES // 2**20), field="file")
    encoding = find_encoding(content)
    separator = find_separator(content.decode(encoding, errors="replace"))
    row = PersonImport(
        workspace_id=member.workspace_id, member_id=member.id, encoding=encoding, separator=separator,
        file_name=" ".join("".join(letter for letter in file_name if letter.isprintable()).split())[-100:],
    )  # fmt: skip
    session.add(row)
    session.flush()
    path = path_of(row.id or 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    try:
        _look(session, row, path)
    except Refused:
        path.unlink()
        raise
    return row


def _look(session: Session, row: PersonImport, path: Path) -> None:
    lines = read_lines(path, row.encoding, row.separator)
    row.header = [cell[:100] for cell in next(lines, (1, []))[1]]
    row.lines = sum(1 for _line in zip(lines, range(MOST_LINES + 1), strict=False))
    if not row.lines:
        raise Refused(_("The file has no lines below its headings."), field="file")
    if row.lines > MOST_LINES:
        raise Refused(_("A file has at most %(most)s lines. Split it.", most=MOST_LINES), field="file")
    row.columns = guess_columns(row.header, list_fields(session, row.workspace_id))
    session.add(row)
    session.flush()


def get_import(session: Session, member: Member, import_id: int) -> PersonImport:
    """Return an import of `member`'s own; refuses any other as if there were none."""
    row = session.get(PersonImport, import_id)
    if row is None or row.member_id != member.id:
        raise Refused(_("You have no such import."), status=404)
    return row


def list_imports(session: Session, member: Member) -> list[PersonImport]:
    """Return a member's newest imports."""
    chosen = select(PersonImport).where(PersonImport.member_id == member.id).order_by(col(PersonImport.id).desc())
    return list(session.exec(chosen.limit(SHOWN)).all())


def preview_lines(row: PersonImport) -> list[list[str]]:
    """Return the first lines of the file below its headings, each as wide as those."""
    path, width = path_of(row.id or 0), len(row.header)
    if not path.exists():
        return []
    lines = read_lines(path, row.encoding, row.separator)
    cells = [line for _number, line in zip(range(PREVIEW + 1), (cells for _at, cells in lines), strict=False)]
    return [[*line, *[""] * width][:width] for line in cells[1:]]


def start(session: Session, row: PersonImport, columns: list[str], owner: str, existing: str) -> None:
    """Take the file in, in the background, as chosen; an import that has begun goes on as it was."""
    if row.state != ImportState.DRAFT:
        return
    row.columns = read_columns(columns, len(row.header), list_fields(session, row.workspace_id))
    if owner not in OWNERS or existing not in EXISTING:
        raise Refused(_("Choose who owns the people, and what becomes of those who are known."), field="owner")
    if owner == "column" and "owner" not in row.columns:
        raise Refused(_("Say which column holds the owner."), field="columns")
    row.owner, row.existing, row.state = owner, existing, ImportState.RUNNING
    session.add(row)
    session.flush()
    queue.wake(session, "import_people", row.id or 0)


def discard(session: Session, row: PersonImport) -> None:
    """Forget an upload that was not taken in."""
    if row.state != ImportState.DRAFT:
        raise Refused(_("This import has begun; it cannot be discarded."), status=409)
    path_of(row.id or 0).unlink(missing_ok=True)
    session.delete(row)
    session.flush()


def run(session: Session, import_id: int) -> Iterator[None]:
    """Take in some batches of lines; yields where the caller commits. Two at once take turns at the row's lock."""
    for _turn in range(BATCHES_A_JOB):
        if not _run_batch(session, import_id):
            yield
            return
        yield
    queue.wake(session, "import_people", import_id)
    yield


def _run_batch(session: Session, import_id: int) -> bool:
    """Take in the next lines, and return whether there may be more."""
    session.expunge_all()  # what another worker did meanwhile is read anew
    locked = select(PersonImport).where(PersonImport.id == import_id).with_for_update()
    row = session.exec(locked.execution_options(populate_existing=True)).first()
    if row is None or row.state != ImportState.RUNNING:
        return False
    path = path_of(import_id)
    if not path.exists():
        return _finish(session, row, ImportState.FAILED, "the uploaded file is gone")
    lines = read_lines(path, row.encoding, row.separator)
    wanted = range(row.done_lines + 1, row.done_lines + 1 + BATCH)  # the first line holds the headings
    batch = [line for number, line in zip(range(wanted.stop), lines, strict=False) if number in wanted]
    if batch:
        take_lines(session, row, batch)
        row.done_lines += len(batch)
        session.add(row)
    if len(batch) < BATCH:
        return _finish(session, row, ImportState.DONE)
    announce(session, row.workspace_id)
    return True


def _finish(session: Session, row: PersonImport, state: ImportState, failure: str = "") -> bool:
    row.state, row.failure, row.finished_at = state, failure, now()
    session.add(row)
    session.flush()
    path = path_of(row.id or 0)
    session.info.setdefault("after_commit", []).append(lambda: path.unlink(missing_ok=True))
    announce(session, row.workspace_id)
    return False


def find_unfinished(session: Session) -> list[int]:
    """Return the imports that are being taken in."""
    chosen = select(PersonImport.id).where(PersonImport.state == ImportState.RUNNING)
    return [import_id or 0 for import_id in session.exec(chosen).all()]


def sweep_files(session: Session) -> None:
    """Delete uploads that nobody needs any more: of finished imports, and of drafts left alone for a week."""
    old = now() - timedelta(days=DRAFT_DAYS)
    for path in path_of(0).parent.glob("[0-9]*"):
        row = session.get(PersonImport, int(path.name)) if path.name.isdecimal() else None
        is_needed = row is not None and row.state in (ImportState.DRAFT, ImportState.RUNNING)
        if row is None or not is_needed or (row.state == ImportState.DRAFT and row.created_at < old):
            path.unlink(missing_ok=True)


def list_refused(session: Session, import_id: int, limit: int | None = None) -> list[RefusedLine]:
    """Return the lines that were not taken, in the order of the file."""
    chosen = select(RefusedLine).where(RefusedLine.import_id == import_id).order_by(col(RefusedLine.line))
    return list(session.exec(chosen.limit(limit)).all())
