"""From reports of reading in the journal to facts: who read which pages, as far as the times can be true.

A report says what its tab has counted so far, so a doubled, late or lost one changes nothing that another has said:
of each page the highest time holds. What members and machines do, and what no clock could have counted, is nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from server.clock import from_epoch_ms
from server.documents.models import Document, DocumentVersion, Share
from server.documents.readers import Reader, find_readers, find_silent, has_objected, make_fact
from server.documents.viewer.models import DocumentVisit, Sitting
from server.documents.visits import READ_MS, add_times, announce_visit, find_visit, open_visit
from server.events.models import EventKind, Verdict
from server.events.record import Fact
from server.events.verdict import judge
from server.keys import Keyring
from server.tracking.hits import Hit

NEVER_COUNTED = (Verdict.SELF, Verdict.MACHINE)
SLACK_MS = 1000  # between the clock of a page and ours
DOWNLOAD = "download"

Seen = Sequence[tuple[Hit, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Report:
    """One report of a known share: the hit, its evidence, and the rows that it speaks of."""

    hit: Hit
    evidence: Mapping[str, Any]
    data: Mapping[str, Any]
    share: Share
    document: Document
    version: DocumentVersion
    reader: Reader

    @property
    def at(self) -> datetime:
        """When the edge heard it."""
        return from_epoch_ms(self.hit.at_ms)

    @property
    def key(self) -> tuple[str, int]:
        """Which sitting it belongs to."""
        return self.data["load"], self.data["part"]


def make_readings(session: Session, keys: Keyring, seen: Seen) -> list[Fact]:
    """Return the facts of what was read for the first time, and bring visits, times and figures up to date."""
    facts: list[Fact] = []
    changed: dict[int, DocumentVisit] = {}
    for report in _find_reports(session, seen):
        visit, found = _take(session, keys, report)
        facts += found
        if visit is not None:
            changed[visit.id] = visit
    for visit in changed.values():
        announce_visit(session, visit)
    session.flush()
    return facts


def _find_reports(session: Session, seen: Seen) -> Iterator[Report]:
    counted = [(hit, evidence) for hit, evidence in seen if _is_counted(evidence)]
    hashes = {hit.tracking_id for hit, _evidence in counted}
    shares = {row.token_hash: row for row in session.exec(select(Share).where(col(Share.token_hash).in_(hashes)))}
    documents = _load(session, Document, {share.document_id for share in shares.values()})
    versions = _load(session, DocumentVersion, {(hit.data or {}).get("version", 0) for hit, _evidence in counted})
    readers = find_readers(session, list(shares.values()))
    silent = find_silent(session, list(shares.values()))
    for hit, evidence in counted:
        data = hit.data or {}
        share, version = shares.get(hit.tracking_id), versions.get(data.get("version", 0))
        if share is None or version is None or version.document_id != share.document_id or share.id in silent:
            continue
        reader = readers[share.id].who_says(str(data["email"]))
        if reader.is_claimed and has_objected(session, share.workspace_id, reader.address):
            continue
        yield Report(hit, evidence, data, share, documents[share.document_id], version, reader)


def _load(session: Session, table: Any, ids: set[int]) -> dict[int, Any]:
    return {row.id: row for row in session.exec(select(table).where(col(table.id).in_(ids)))}


def _is_counted(evidence: Mapping[str, Any]) -> bool:
    """Judge as a click is judged: a scanner's browser may run our script, too."""
    return judge({**evidence, "kind": EventKind.CLICKED}).verdict not in NEVER_COUNTED


def _take(session: Session, keys: Keyring, report: Report) -> tuple[DocumentVisit | None, list[Fact]]:
    """Return the visit that the report changed, if any, and the new facts."""
    sitting = session.get(Sitting, report.key)
    times = _merge_times(session, report, sitting)
    is_download = report.data["what"] == DOWNLOAD
    if times is None or (sitting is None and sum(times.values()) < READ_MS and not is_download):
        return None, []
    visit, facts = _find_visit(session, keys, report, sitting)
    if is_download:
        visit.downloads += 1
        visit.last_at = max(visit.last_at, report.at)
        facts.append(_make_fact(report, EventKind.DOWNLOADED, visit, report.hit.id, {}))
        return visit, facts
    if sitting is None:
        load, part = report.key
        sitting = Sitting(load=load, part=part, visit_id=visit.id, sequence=-1, heard_at=report.at)
        session.add(sitting)
        session.flush()
    gained = {page: ms - sitting.page_ms.get(str(page), 0) for page, ms in times.items()}
    is_newer = report.data["sequence"] > sitting.sequence
    if not is_newer and not any(gained.values()):
        return None, facts
    sitting.page_ms = {str(page): ms for page, ms in times.items()}
    sitting.heard_at = max(sitting.heard_at, report.at)
    if is_newer:
        sitting.sequence = report.data["sequence"]
        visit.page = min(max(report.data["page"], 1), report.version.pages)
        visit.is_open = report.data["open"]
    visit.last_at = max(visit.last_at, report.at)
    for page in add_times(session, visit, gained):
        hit_id = f"visit-{visit.id}-page-{page}-{report.hit.id}"
        facts.append(_make_fact(report, EventKind.PAGE_READ, visit, hit_id, {"page": page}))
    return visit, facts


def _merge_times(session: Session, report: Report, sitting: Sitting | None) -> dict[int, int] | None:
    """Return the milliseconds by page that the sitting has now; None where no clock could have counted them."""
    known = {int(page): ms for page, ms in sitting.page_ms.items()} if sitting else {}
    said = {int(page): ms for page, ms in report.data["ms"].items() if 1 <= int(page) <= report.version.pages and ms}
    times = {page: max(known.get(page, 0), said.get(page, 0)) for page in sorted({*known, *said})}
    load, part = report.key
    others = session.exec(select(Sitting).where(Sitting.load == load, Sitting.part != part)).all() if part else []
    total = sum(times.values()) + sum(sum(other.page_ms.values()) for other in others)
    return times if total <= report.hit.at_ms - report.data["issued_ms"] + SLACK_MS else None


def _find_visit(
    session: Session, keys: Keyring, report: Report, sitting: Sitting | None
) -> tuple[DocumentVisit, list[Fact]]:
    if sitting is not None:
        return session.get_one(DocumentVisit, sitting.visit_id), []
    ip, agent = report.hit.ip, report.hit.agent
    visit = find_visit(session, keys, report.share, report.version, report.reader, ip, agent, report.at)
    if visit is not None:
        return visit, []
    began_ms = report.hit.at_ms - sum(report.data["ms"].values())
    began_at = from_epoch_ms(max(began_ms, report.data["issued_ms"]))
    visit = open_visit(session, keys, report.share, report.version, report.reader, ip, agent, began_at, report.at)
    return visit, [_make_fact(report, EventKind.DOCUMENT_OPENED, visit, f"visit-{visit.id}-{report.hit.id}", {})]


def _make_fact(report: Report, kind: EventKind, visit: DocumentVisit, hit_id: str, details: dict[str, Any]) -> Fact:
    details = {
        "document": report.document.public_id, "file": report.document.name, "pages": report.version.pages,
        "visit": visit.id, **details,
    }  # fmt: skip
    return make_fact(report.share, report.reader, kind, report.at, hit_id, details, dict(report.evidence))
