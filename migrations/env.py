"""Alembic's entry: the connection comes from server/migrate.py, or from the settings for `alembic revision`."""

from typing import Any

from alembic import context
from sqlalchemy.engine import Connection
from sqlmodel.sql.sqltypes import AutoString

from server.config import load_settings
from server.db import UtcDateTime, make_engine
from server.models import metadata


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """Write plain types into revisions, so that an old revision never depends on today's code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    return False


def run(connection: Connection) -> None:
    """Run the wanted revisions on `connection`."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with make_engine(load_settings().database_url).begin() as connection:
        run(connection)
