"""Visits: one reader on one device until ten idle minutes, the time on each page, and the figures they move."""

import ipaddress
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import ua_parser
from sqlalchemy import delete
from sqlmodel import Session, col, select

from server import queue
from server.clock import now
from server.config import get_settings
from server.documents.models import DocumentVersion, Share
from server.documents.readers import Reader
from server.documents.viewer.models import DocumentVisit, PageFigure, Sitting, VisitPage
from server.events.place import find_place
from server.keys import Keyring

VISIT_GAP = timedelta(minutes=10)  # DocSend's rule, too (facts.md)
READ_MS = 1000  # a page that was in view for less was turned over, not read
SITTING_DAYS = 2  # longer than any grant to report


def find_visit(
    session: Session, keys: Keyring, share: Share, version: DocumentVersion, reader: Reader, ip: str, agent: str,
    at: datetime,
) -> DocumentVisit | None:  # fmt: skip
    """Return the visit of this device that is still going on `at` a time: another tab of it belongs to it."""
    query = (
        select(DocumentVisit)
        .where(
            DocumentVisit.share_id == share.id, DocumentVisit.version_id == version.id,
            DocumentVisit.device_key == make_device_key(keys, share, ip, agent),
            DocumentVisit.address == reader.address, col(DocumentVisit.last_at) >= at - VISIT_GAP,
        )
        .order_by(col(DocumentVisit.last_at).desc(), col(DocumentVisit.id).desc())
        .limit(1)
    )  # fmt: skip
    return session.exec(query).first()


def open_visit(
    session: Session, keys: Keyring, share: Share, version: DocumentVersion, reader: Reader, ip: str, agent: str,
    began_at: datetime, at: datetime,
) -> DocumentVisit:  # fmt: skip
    """Add a visit that began at `began_at` and was first heard of `at` a time."""
    place = find_place(get_settings(), ip, agent)
    visit = DocumentVisit(
        workspace_id=share.workspace_id, member_id=share.member_id, document_id=share.document_id,
        version_id=version.id, share_id=share.id, name=reader.name, address=reader.address,
        candidates=list(reader.candidates), is_claimed=reader.is_claimed,
        device_key=make_device_key(keys, share, ip, agent), device=tell_device(agent),
        place_city=place.city, place_country=place.country, started_at=began_at, last_at=at, pages=version.pages,
    )  # fmt: skip
    session.add(visit)
    session.flush()
    return visit


def make_device_key(keys: Keyring, share: Share, ip: str, agent: str) -> str:
    """Return what is alike for the requests of one device in one network under one share, and says nothing else."""
    try:
        address = ipaddress.ip_address(ip)
        network = str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else ip
    except ValueError:
        network = ip
    return keys.sign("reader-device", f"{share.id}\n{network}\n{agent}".encode())[-16:].hex()


def tell_device(agent: str) -> str:
    """Return browser and system of a user agent, as far as they are known."""
    parsed = ua_parser.parse(agent)
    families = (part.family for part in (parsed.user_agent, parsed.os) if part is not None)
    return ", ".join(family for family in families if family and family != "Other")


def add_times(session: Session, visit: DocumentVisit, gained: Mapping[int, int]) -> Iterator[int]:
    """Add milliseconds by page to a visit and its figures; yield the pages that count as read from now on."""
    session.flush()
    for page, ms in gained.items():
        if ms <= 0:
            continue
        row = session.get(VisitPage, (visit.id, page))
        if row is None:
            row = VisitPage(visit_id=visit.id, page=page)
            session.add(row)
        figure = _figure(session, visit, page)
        row.ms += ms
        figure.ms += ms
        visit.reading_ms += ms
        if not row.is_read and row.ms >= READ_MS:
            row.is_read = True
            visit.pages_read += 1
            figure.visits += 1
            _move_furthest(session, visit, page)
            yield page


def _move_furthest(session: Session, visit: DocumentVisit, page: int) -> None:
    if page <= visit.furthest_page:
        return
    if visit.furthest_page:
        _figure(session, visit, visit.furthest_page).ended -= 1
    _figure(session, visit, page).ended += 1
    visit.furthest_page = page


def _figure(session: Session, visit: DocumentVisit, page: int) -> PageFigure:
    key = (visit.version_id, visit.member_id, page)
    figure = session.get(PageFigure, key)
    if figure is None:
        figure = PageFigure(version_id=visit.version_id, member_id=visit.member_id, page=page)
        session.add(figure)
        session.flush()
    return figure


def announce_visit(session: Session, visit: DocumentVisit) -> None:
    """Tell the pages of the workspace that a visit went on."""
    queue.announce(session, "reading", workspace_id=visit.workspace_id, id=visit.id)


def sweep_sittings(session: Session) -> None:
    """Delete what tabs reported that can report no more; their visits have it all."""
    session.execute(delete(Sitting).where(col(Sitting.heard_at) < now() - timedelta(days=SITTING_DAYS)))
