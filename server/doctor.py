"""`warmline doctor`: examines the installation, then the way to Gmail, and says what is still wrong."""

import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click
import redis
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from server.config import Settings, load_settings
from server.db import get_db, make_engine
from server.findings import Finding, good, problem
from server.gmail import doctor as gmail
from server.keys import Keyring
from server.migrate import FOLDER
from server.queue import connect
from server.valkey import find_redis_url


@click.command()
def doctor() -> None:
    """Check this installation and its way to Gmail; exit with 1 when something is wrong."""
    try:
        settings = load_settings()
    except ValidationError as error:
        for fault in error.errors():
            name = ".".join(map(str, fault["loc"])).upper() or "Settings"
            click.echo(problem("Settings", f"{name}: {fault['msg']}", "Correct it in the environment or in .env."))
        sys.exit(1)
    is_well = True
    for finding in examine(settings):
        is_well = is_well and finding.is_well
        click.echo(finding)
    sys.exit(0 if is_well else 1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Examine everything, in the order in which things are set up; raises nothing, changes nothing."""
    yield good("Settings", "they are valid")
    keys = list(examine_keys(settings))
    yield from keys
    database = examine_database(settings)
    yield database
    yield examine_redis(settings)
    yield from examine_addresses(settings)
    yield from examine_proxies(settings)
    yield from gmail.examine_client(settings)
    yield from gmail.examine_endpoints(settings)
    yield from gmail.examine_notifications(settings)
    if database.is_well and all(finding.is_well for finding in keys):
        yield from _examine_mailboxes(settings)


def examine_keys(settings: Settings) -> Iterator[Finding]:
    """Examine whether the root keys can be read, and by nobody else."""
    path = settings.warmline_home / "keys.json"
    if not settings.warmline_keys and not path.exists():
        yield good("Keys", f"they are made at the first start, in {path}")
        return
    try:
        Keyring.load(settings)
    except (ValueError, OSError, AttributeError) as error:
        yield problem("Keys", f"they cannot be read ({type(error).__name__})", "Restore them from your backup.")
        return
    if not settings.warmline_keys and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield problem("Keys", f"other users of this machine can read {path}", f"Run: chmod 600 {path}")
    else:
        where = "WARMLINE_KEYS" if settings.warmline_keys else str(path)
        yield good("Keys", f"{where} can be read; keep a copy in a safe place, apart from the database's backup")


def examine_database(settings: Settings) -> Finding:
    """Examine whether the database answers and has the newest schema."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    engine = make_engine(settings.database_url)
    name = engine.url.render_as_string(hide_password=True)
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").is_file():
        return problem("Database", f"{engine.url.database} does not exist yet", "Run: warmline migrate, or make run.")
    try:
        with engine.connect() as connection:
            heads = set(MigrationContext.configure(connection).get_current_heads())
    except SQLAlchemyError as error:
        return problem("Database", f"{name} cannot be opened ({type(error).__name__})", "Check DATABASE_URL.")
    finally:
        engine.dispose()
    if heads != set(ScriptDirectory.from_config(config).get_heads()):
        return problem("Database", f"{name} has not the newest schema", "Run: warmline migrate")
    return good("Database", f"{name} answers and has the newest schema")


def examine_redis(settings: Settings) -> Finding:
    """Examine whether Redis, ours or the operator's, answers."""
    url = find_redis_url(settings)
    client = connect(url)
    try:
        client.ping()
    except redis.RedisError as error:
        advice = "Check REDIS_URL." if settings.redis_url else "Start Warmline: it starts its own Valkey (make run)."
        return problem("Redis", f"it does not answer ({type(error).__name__})", advice)
    finally:
        client.close()
    return good("Redis", "it answers")


def examine_addresses(settings: Settings) -> Iterator[Finding]:
    """Examine how members and recipients reach this installation."""
    base, edge = urlsplit(settings.base_url), urlsplit(settings.edge_base_url)
    is_local = base.hostname in ("127.0.0.1", "localhost", "::1")
    if base.netloc == edge.netloc:
        yield problem("Addresses", f"members and recipients share {base.netloc}", "Give EDGE_BASE_URL another host.")
    elif base.hostname == edge.hostname and not is_local:
        yield problem(
            "Addresses",
            f"members and recipients share the host {base.hostname}, and cookies know no ports",
            "Give EDGE_BASE_URL another host name, such as t.example.org.",
        )
    elif is_local:
        yield good(
            "Addresses", f"{settings.base_url}, on this machine only: recipients elsewhere reach no pixel or link"
        )
    elif "http" in (base.scheme, edge.scheme):
        yield problem("Addresses", "BASE_URL or EDGE_BASE_URL is not https", "Put a proxy with TLS in front of both.")
    else:
        yield good("Addresses", f"members at {settings.base_url}, recipients at {settings.edge_base_url}")


def examine_proxies(settings: Settings) -> Iterator[Finding]:
    """Examine whether visitors' own addresses come through the proxies in front."""
    if settings.is_https and not settings.trusted_proxies:
        yield problem(
            "Proxies",
            "BASE_URL is https but TRUSTED_PROXIES is 0, so every visitor seems to come from the proxy",
            "Set TRUSTED_PROXIES to the number of proxies in front, usually 1.",
        )


def _examine_mailboxes(settings: Settings) -> Iterator[Finding]:
    from server.base import create_base_app

    with create_base_app(settings).app_context():
        with get_db().session(write=False) as session:
            yield from gmail.examine_mailboxes(session, settings)
        get_db().dispose()
