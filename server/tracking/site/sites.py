"""A workspace's website: which hosts it has, its secret, and whether it vouches for a visitor."""

import hmac
import re
import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from flask_babel import gettext as _
from sqlalchemy import func
from sqlmodel import Session, col, select

from server.clock import now
from server.config import Settings
from server.errors import Refused
from server.events.models import Event, EventKind
from server.keys import Keyring, make_token
from server.tracking.site.models import Site
from server.tracking.tokens import ID_BYTES, site_key

HOST_LIMIT = 20
COUNT_LIMIT = 1000
SEAL = "site-secret"
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def find_site(session: Session, workspace_id: int) -> Site | None:
    """Return the website of a workspace."""
    return session.get(Site, workspace_id)


def change_site(session: Session, workspace_id: int, hosts: str, takes_unsigned: bool) -> Site:
    """Set of which hosts visits are taken, and whether also unsigned ones; refuses what is no host name."""
    site = find_site(session, workspace_id)
    if site is None:
        site = Site(workspace_id=workspace_id, public_id=secrets.token_hex(ID_BYTES))
    site.hosts = read_hosts(hosts)
    site.takes_unsigned = takes_unsigned
    session.add(site)
    session.flush()
    return site


def remove_site(session: Session, workspace_id: int) -> None:
    """Take no more visits: the site key names nothing from now on, also if there is a site again."""
    if (site := find_site(session, workspace_id)) is not None:
        session.delete(site)
        session.flush()


def renew_secret(session: Session, keys: Keyring, site: Site) -> str:
    """Return a new secret of `site`; what was signed with the one before is unsigned from now on."""
    secret = make_token()
    site.sealed_secret = keys.seal(SEAL, secret, site.public_id)
    session.add(site)
    session.flush()
    return secret


def read_hosts(text: str) -> list[str]:
    """Return the host names in `text`, which may be written as addresses; refuses what is none."""
    hosts: dict[str, None] = {}
    for word in re.split(r"[\s,;]+", text.strip()):
        if word:
            hosts[_read_host(word)] = None
    if not hosts:
        raise Refused(_("Name at least one host, such as www.acme.example."), field="hosts")
    if len(hosts) > HOST_LIMIT:
        raise Refused(_("Name at most %(limit)s hosts.", limit=HOST_LIMIT), field="hosts")
    return list(hosts)


def _read_host(word: str) -> str:
    try:
        host = urlsplit(word if "//" in word else f"//{word}").hostname or ""
        host = host.encode("idna").decode()
    except (UnicodeError, ValueError):
        host = ""
    if not HOST.fullmatch(host):
        raise Refused(_("“%(word)s” is not a host name, such as www.acme.example.", word=word[:100]), field="hosts")
    return host


def is_on_site(site: Site, url: str) -> bool:
    """Return whether the page at `url` stands on one of the site's hosts, or below one."""
    try:
        host = (urlsplit(url).hostname or "").encode("idna").decode()
    except (UnicodeError, ValueError):
        return False
    return any(host == own or host.endswith(f".{own}") for own in site.hosts)


def read_secret(keys: Keyring, site: Site) -> str | None:
    """Return the secret of `site`; None where there is none, or one that today's keys cannot open."""
    if site.sealed_secret is None or not keys.knows(site.sealed_secret[0]):
        return None
    try:
        return keys.unseal(SEAL, site.sealed_secret, site.public_id)
    except InvalidTag:
        return None


def sign_visitor(secret: str, email: str) -> str:
    """Return how a site's server vouches for `email`: HMAC-SHA256 (RFC 2104) of the address, as hex digits."""
    return hmac.new(secret.encode(), email.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def is_signed(secret: str | None, email: str, signature: str) -> bool:
    """Return whether `signature` vouches for `email`, as it is written or in lower case."""
    if secret is None:
        return False
    given = signature.lower().encode("utf-8", "surrogatepass")
    return any(hmac.compare_digest(sign_visitor(secret, form).encode(), given) for form in (email, email.lower()))


def snippet_url(settings: Settings, keys: Keyring, site: Site) -> str:
    """Return the address of the site's snippet."""
    return f"{settings.edge_base_url}/s/{site_key(keys, site.public_id)}.js"


def count_visits(session: Session, workspace_id: int) -> int:
    """Return how many visits the last 24 hours brought, counted up to 1,000."""
    some = (
        select(Event.id)
        .where(
            Event.workspace_id == workspace_id,
            col(Event.at) > now() - timedelta(days=1),
            col(Event.is_shown).is_(True),
            Event.kind == EventKind.WEB_VISITED,
        )
        .limit(COUNT_LIMIT)
    )
    return session.exec(select(func.count()).select_from(some.subquery())).one()
