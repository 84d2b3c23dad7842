"""From visits in the journal to facts: of known sites only, of their own pages, by people whom the site names."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from server.clock import from_epoch_ms
from server.consent.models import Answer
from server.consent.silence import find_choices
from server.events.models import EventKind
from server.events.record import MARKETING, Fact
from server.keys import Keyring
from server.tracking.hits import Hit
from server.tracking.site.models import Site
from server.tracking.site.sites import is_on_site, is_signed, read_secret


def make_visits(session: Session, keys: Keyring, hits: Iterable[tuple[Hit, Mapping[str, Any]]]) -> list[Fact]:
    """Return the facts of those visits that count, given with their evidence; note at each site when one came."""
    hits = list(hits)
    if not hits:
        return []
    ids = {hit.tracking_id for hit, _evidence in hits}
    sites = {site.public_id: site for site in session.exec(select(Site).where(col(Site.public_id).in_(ids)))}
    secrets = {public_id: read_secret(keys, site) for public_id, site in sites.items()}
    objectors = _find_objectors(session, sites, [hit for hit, _evidence in hits])
    facts: list[Fact] = []
    for hit, evidence in hits:
        site = sites.get(hit.tracking_id)
        if site is not None and (site.workspace_id, _address_of(hit)) not in objectors:
            facts += _make_fact(site, secrets[site.public_id], hit, evidence)
    _note_last(session, facts)
    return facts


def _find_objectors(session: Session, sites: Mapping[str, Site], hits: Iterable[Hit]) -> set[tuple[int, str]]:
    """Return (workspace, address) of those visitors who want nothing to be known of what they read."""
    named: defaultdict[int, set[str]] = defaultdict(set)
    for hit in hits:
        if (site := sites.get(hit.tracking_id)) is not None:
            named[site.workspace_id].add(_address_of(hit))
    return {
        (workspace_id, address)
        for workspace_id, addresses in named.items()
        for address, answer in find_choices(session, workspace_id, addresses).items()
        if answer == Answer.WITHDRAWN
    }


def _address_of(hit: Hit) -> str:
    return str((hit.data or {})["email"]).strip().lower()


def _make_fact(site: Site, secret: str | None, hit: Hit, evidence: Mapping[str, Any]) -> Iterator[Fact]:
    visit, page = hit.data or {}, hit.target or ""
    has_signature = is_signed(secret, visit["email"], visit["signature"])
    if not is_on_site(site, page) or not (has_signature or site.takes_unsigned):
        return
    yield Fact(
        kind=EventKind.WEB_VISITED,
        at=from_epoch_ms(hit.at_ms),
        hit_id=hit.id,
        workspace_id=site.workspace_id,
        content_kind=MARKETING,
        subject=visit["title"] or page,
        person_address=visit["email"],
        link_target=page,
        evidence={**evidence, "visitor": "signed" if has_signature else "claimed"},
    )


def _note_last(session: Session, facts: Iterable[Fact]) -> None:
    last = {fact.workspace_id: fact.at for fact in sorted(facts, key=lambda fact: fact.at)}
    for workspace_id, at in sorted(last.items(), key=lambda item: item[0] or 0):
        session.execute(update(Site).where(col(Site.workspace_id) == workspace_id).values(last_visit_at=at))
