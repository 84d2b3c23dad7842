"""Rows as lines of JSON, the same for every database: what SQLite wrote can be read into PostgreSQL, and back."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Column, Date, DateTime, LargeBinary, Table, select
from sqlalchemy.engine import Connection

from server.db import UtcDateTime

ROWS_AT_ONCE = 2000
PLAIN, MOMENT, DAY, BYTES, TREE = "plain", "datetime", "date", "bytes", "json"
Writer = Callable[[Any], Any]

WRITERS: dict[str, Writer] = {
    PLAIN: lambda value: value,
    MOMENT: lambda value: value.astimezone(UTC).isoformat(),
    DAY: lambda value: value.isoformat(),
    BYTES: lambda value: base64.b64encode(value).decode(),
    TREE: lambda value: value,
}
READERS: dict[str, Writer] = {
    PLAIN: lambda value: value,
    MOMENT: datetime.fromisoformat,
    DAY: date.fromisoformat,
    BYTES: base64.b64decode,
    TREE: lambda value: value,
}


def describe(table: Table) -> dict[str, str]:
    """Return the columns of `table` with how each is written."""
    return {column.name: _find_form(column) for column in table.columns}


def write_rows(connection: Connection, table: Table) -> Iterator[bytes]:
    """Yield each row of `table` as a line, in the order of its primary key."""
    writers = [WRITERS[form] for form in describe(table).values()]
    chosen = select(table).order_by(*table.primary_key.columns)
    for row in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(chosen):
        values = [None if value is None else write(value) for write, value in zip(writers, row, strict=True)]
        yield json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def read_rows(lines: Iterator[bytes], forms: Mapping[str, str], *, drops_zone: bool) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows in `lines` by the batch; a database without zones gets UTC without saying so."""
    names, readers = list(forms), [READERS[form] for form in forms.values()]
    batch: list[dict[str, Any]] = []
    for line in lines:
        given: Sequence[Any] = json.loads(line)
        values = [None if value is None else read(value) for read, value in zip(readers, given, strict=True)]
        if drops_zone:
            values = [value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in values]
        batch.append(dict(zip(names, values, strict=True)))
        if len(batch) == ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _find_form(column: Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, UtcDateTime | DateTime):
        return MOMENT
    if isinstance(kind, Date):
        return DAY
    if isinstance(kind, LargeBinary):
        return BYTES
    return TREE if isinstance(kind, JSON) else PLAIN
