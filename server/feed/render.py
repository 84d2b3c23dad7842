"""Rows as HTML outside a request: the same partial as the page's, in a given language, for the live stream."""

from collections.abc import Iterable, Mapping

from flask import Flask, render_template
from flask_babel import force_locale

from server.documents.progress import Progress
from server.events.readers import Readers
from server.feed.queries import EventRow
from server.feed.rows import present


def render_rows(
    app: Flask,
    locale: str,
    rows: Iterable[EventRow],
    names: Mapping[int, str] | None,
    forwarded: Mapping[int, Readers] | None = None,
    progress: Mapping[int, Progress] | None = None,
) -> list[str]:
    """Return each of `rows` as the partial `feed/_row.html` in the language `locale`."""
    with app.test_request_context(base_url=app.config["BASE_URL"]), force_locale(locale):
        return [render_template("feed/_row.html", row=present(row, names, forwarded, progress)) for row in rows]


def tell_row(app: Flask, locale: str, row: EventRow) -> dict[str, int | str]:
    """Return `row` as a notification tells it: its id, a title and a text, in the language `locale`."""
    with app.test_request_context(base_url=app.config["BASE_URL"]), force_locale(locale):
        told = present(row)
        text = " · ".join(filter(None, (told.subject, told.place)))
        return {"id": row.id, "title": f"{told.who} {told.words}", "text": text}
