"""The recipients' edge: the hot path as a bare WSGI callable, then a small Flask app for its few pages. No session."""

from flask import Flask
from flask_babel import Babel, get_locale

from server.config import Settings, load_settings
from server.keys import Keyring
from server.tracking import routes
from server.tracking.hot import HotPath
from server.tracking.journal import Journal

MAX_BODY_BYTES = 64 * 1024


def create_edge(settings: Settings | None = None) -> HotPath:
    """Return the edge with `settings`, by default those of the environment; it opens neither database nor Redis."""
    settings = settings or load_settings()
    keys = Keyring.load(settings)
    return HotPath(settings, keys, Journal(settings.journal_dir), _create_pages(settings, keys))


def _create_pages(settings: Settings, keys: Keyring) -> Flask:
    app = Flask("server", template_folder="../templates", static_folder=None)
    app.config.update(
        SETTINGS=settings, MAX_CONTENT_LENGTH=MAX_BODY_BYTES, BABEL_TRANSLATION_DIRECTORIES="../translations"
    )
    app.extensions["warmline_keys"] = keys
    Babel(app, locale_selector=routes.select_locale)
    app.jinja_env.globals["get_locale"] = get_locale
    app.register_blueprint(routes.bp)
    return app
