"""How many people read one copy of a mail, as far as that can be told: an estimate from networks, devices and places.

A person has a few networks (home, office, phone) and a few devices; somebody whom the mail was forwarded to brings both
at once, later on. Mail services' proxies hide both, so each counts as one reader of unknown whereabouts.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import ua_parser
from flask_babel import gettext, ngettext
from sqlalchemy import Select, Table, func, select
from sqlmodel import Session

from server.events.models import COUNTED_VERDICTS, Event, EventKind, Verdict
from server.events.networks import find_neighbourhood
from server.events.verdict import READ_KINDS

EVENT: Table = Event.__table__  # type: ignore[attr-defined]
SEEN_KINDS = (EventKind.VIEWED, EventKind.CLICKED, *READ_KINDS)
LOOKED_AT = 100  # of the latest events of a copy
SETTLED = timedelta(hours=1)  # what is new after this long may be somebody else
NETWORKS_OF_ONE = 2  # a person's in one country: home and office, say
SEVERAL = 4


@dataclass(frozen=True, slots=True)
class Sight:
    """One counted view, click or reading: from which network, on what, in which country; empty where not known."""

    at: datetime
    network: str
    device: str
    country: str
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Readers:
    """Between how many people read it (`most` is 0 where there is no telling), and what else is known.

    `has_newcomer`: one came later, on a new network and a new device. `colleagues` are openings by members of the
    workspace, which count apart.
    """

    least: int = 0
    most: int = 0
    has_newcomer: bool = False
    colleagues: int = 0


def estimate_readers(sights: Iterable[Sight]) -> Readers:
    """Return the estimate for one copy from what was seen of it, in any order."""
    in_order = sorted(sights, key=lambda sight: sight.at)
    if not in_order:
        return Readers()
    direct = [sight for sight in in_order if not sight.proxy]
    arrivals = _find_newcomers(direct)
    networks = {sight.network for sight in direct if sight.network}
    devices = {sight.device for sight in direct if sight.device}
    countries = {sight.country for sight in direct if sight.country}
    services = {sight.proxy for sight in in_order if sight.proxy}
    least = max(1, min(len(networks), len(devices)) if len(countries) > 1 or len(networks) > NETWORKS_OF_ONE else 1)
    least = max(least, len(services))
    most = max(least, min(len(networks), len(devices)) + len(services), 1)
    if arrivals and len(networks) + len(services) > 1:
        least, most = max(least, 2), max(most, 3)
    return Readers(least, most, arrivals)


def tell_readers(readers: Readers, recipients: int = 1) -> str:
    """Return the estimate in words, in the reader's language; `recipients` are those who share the copy."""
    if not readers.least:
        return ""
    if readers.most <= 1:
        words = gettext("likely one reader")
    elif readers.least >= SEVERAL:
        words = gettext("%(count)d or more readers", count=readers.least)
    elif readers.least == readers.most:
        words = ngettext("likely %(num)d reader", "likely %(num)d readers", readers.least)
    else:
        words = gettext("%(least)d to %(most)d readers", least=readers.least, most=readers.most)
    if readers.has_newcomer and readers.most > recipients:
        words = gettext("%(estimate)s, one on a new network: probably forwarded", estimate=words)
    return words


def read_readers(session: Session, copy_ids: Collection[int]) -> dict[int, Readers]:
    """Return the estimate for each of these copies that was seen at all, in one query."""
    if not copy_ids:
        return {}
    sights: dict[int, list[Sight]] = {}
    colleagues: dict[int, int] = {}
    for copy_id, at, verdict, reasons, ip, agent, country in session.execute(_select(copy_ids)).all():
        if verdict in COUNTED_VERDICTS:
            is_proxy = verdict == Verdict.PROXY
            proxy = str(reasons[0] if reasons else verdict) if is_proxy else ""
            sight = Sight(at, find_neighbourhood(ip or ""), name_device(agent or ""), country or "", proxy)
            sights.setdefault(copy_id, []).append(sight)
        elif "colleague" in reasons:
            colleagues[copy_id] = colleagues.get(copy_id, 0) + 1
    found = {copy_id: estimate_readers(sights.get(copy_id, ())) for copy_id in {*sights, *colleagues}}
    return {
        copy_id: Readers(told.least, told.most, told.has_newcomer, colleagues.get(copy_id, 0))
        for copy_id, told in found.items()
    }


@lru_cache(maxsize=4096)
def name_device(agent: str) -> str:
    """Return what tells one device from another, without versions, which change under the same hands."""
    parsed = ua_parser.parse(agent)
    system = parsed.os.family if parsed.os else ""
    program = parsed.user_agent.family if parsed.user_agent else ""
    return f"{system}/{program}" if system or program else agent[:40]


def _select(copy_ids: Collection[int]) -> Select[Any]:
    place = func.row_number().over(partition_by=EVENT.c.copy_id, order_by=EVENT.c.at.desc()).label("place")
    latest = (
        select(
            EVENT.c.copy_id, EVENT.c.at, EVENT.c.verdict, EVENT.c.reasons,
            EVENT.c.evidence["ip"].as_string().label("ip"), EVENT.c.evidence["agent"].as_string().label("agent"),
            EVENT.c.place_country, place,
        )
        .where(EVENT.c.copy_id.in_(copy_ids), EVENT.c.kind.in_(SEEN_KINDS), EVENT.c.verdict != Verdict.MACHINE)
        .subquery()
    )  # fmt: skip
    columns = [column for column in latest.c if column.name != "place"]
    return select(*columns).where(latest.c.place <= LOOKED_AT)


def _find_newcomers(direct: Sequence[Sight]) -> bool:
    """Return whether somebody came later on both a network and a device that were not seen before."""
    for index, sight in enumerate(direct):
        before = [other for other in direct[:index] if sight.at - other.at >= SETTLED]
        earlier = direct[:index]
        if not before or not sight.network:
            continue
        is_new_network = sight.network not in {other.network for other in earlier}
        is_new_device = sight.device not in {other.device for other in earlier}
        if is_new_network and is_new_device:
            return True
    return False
