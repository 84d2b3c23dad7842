"""Composes the stand-in: a Flask app of its own, run in a process of its own, reachable from this machine only."""

from flask import Flask, Response, jsonify

from server.config import Settings, load_settings
from server.sandbox.stand_in import (
    accounts,
    admin,
    batch,
    consent,
    drafts,
    errors,
    faults,
    history,
    keys,
    labels,
    messages,
    oauth,
    profile,
    pubsub,
    push,
    rest,
    threads,
)
from server.sandbox.stand_in.store import Store

MAX_REQUEST_BYTES = 60 * 2**20  # 35 MB of mail, in base64 and JSON
ROOMS = (consent, oauth, keys, admin, pubsub, batch)
GMAIL = (profile, messages, drafts, threads, labels, history)


def create_app(settings: Settings | None = None) -> Flask:
    """Return the stand-in with its store in `WARMLINE_HOME/stand-in.sqlite` and its push thread running."""
    settings = settings or load_settings()
    app = Flask("server.sandbox.stand_in", template_folder="../../../templates", static_folder=None)
    app.config.update(SETTINGS=settings, MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES, MAX_FORM_MEMORY_SIZE=None)
    settings.warmline_home.mkdir(parents=True, exist_ok=True)
    store = Store(settings.warmline_home / "stand-in.sqlite")
    app.extensions["stand_in_store"] = store
    with store.writing() as db:
        accounts.add_defaults(db)
        keys.ensure_key(db)
    errors.init_app(app)
    faults.init_app(app)
    for room in ROOMS:
        app.register_blueprint(room.bp)
    for room in GMAIL:
        rest.register(app, room.METHODS)
    app.add_url_rule("/healthz", "healthz", _healthz)
    app.after_request(_put_headers)
    push.init_app(app)
    return app


def _healthz() -> Response:
    return jsonify(status="ok")


def _put_headers(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response
