"""The recipients' edge: the hot path as a bare WSGI callable, then a small Flask app for its pages. No session.

The hot path opens neither database nor Redis. The pages may read the database; they get half of the process's threads
at most, so a slow page or a slow database never keeps a pixel or a click waiting.
"""

from flask import Flask
from flask_babel import Babel, get_locale

from server.config import Settings, load_settings
from server.consent.pages import routes as recipient_routes
from server.db import Database
from server.documents.viewer import routes as viewer_routes
from server.icons import init_app as init_icons
from server.keys import Keyring
from server.tracking import routes
from server.tracking.bounded import Bounded
from server.tracking.hot import HotPath
from server.tracking.journal import Journal

MAX_BODY_BYTES = 64 * 1024
MAX_PAGES_AT_ONCE = 16  # of the 32 threads that the supervisor gives this process


def create_edge(settings: Settings | None = None) -> HotPath:
    """Return the edge with `settings`, by default those of the environment."""
    settings = settings or load_settings()
    keys = Keyring.load(settings)
    pages = _create_pages(settings, keys)
    edge = HotPath(settings, keys, Journal(settings.journal_dir), Bounded(pages, MAX_PAGES_AT_ONCE))
    pages.extensions["warmline_keep"] = edge.keep
    return edge


def _create_pages(settings: Settings, keys: Keyring) -> Flask:
    app = Flask("server", template_folder="../templates", static_folder=None)
    app.config.update(
        SETTINGS=settings, MAX_CONTENT_LENGTH=MAX_BODY_BYTES, BABEL_TRANSLATION_DIRECTORIES="../translations"
    )
    app.extensions["warmline_keys"] = keys
    Database(settings.database_url).init_app(app)
    Babel(app, locale_selector=routes.select_locale)
    init_icons(app)
    app.jinja_env.globals["get_locale"] = get_locale
    app.register_blueprint(routes.bp)
    app.register_blueprint(viewer_routes.bp)
    app.register_blueprint(recipient_routes.bp)
    return app
