"""The members' app: every room's routes on one platform. The recipients' edge is another app (server/edge.py)."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from server import cli, error_pages, htmx, i18n, icons, limits, logs, metrics, security, static_files
from server.accounts import routes as accounts_routes
from server.accounts import session as accounts_session
from server.api import routes as api_routes
from server.config import Settings, load_settings
from server.db import Database
from server.feed import routes as feed_routes
from server.gmail import routes as gmail_routes
from server.gmail import webhook as gmail_webhook
from server.keys import Keyring
from server.messages import routes as messages_routes
from server.people import routes as people_routes
from server.queue import Wakeups
from server.sandbox import routes as sandbox_routes
from server.valkey import find_redis_url


def create_app(settings: Settings | None = None) -> Flask:
    """Return the members' app with `settings`, by default those of the environment."""
    settings = settings or load_settings()
    app = create_base_app(settings)
    accounts_session.init_app(app)
    security.init_app(app)
    limits.init_app(app)
    htmx.init_app(app)
    error_pages.init_app(app)
    static_files.init_app(app)
    metrics.init_app(app)
    cli.init_app(app)
    for room in (
        accounts_routes,
        feed_routes,
        messages_routes,
        people_routes,
        gmail_routes,
        gmail_webhook,
        sandbox_routes,
        api_routes,
    ):
        app.register_blueprint(room.bp)
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    return app


def create_base_app(settings: Settings) -> Flask:
    """Return an app with the platform only: settings, keys, database, wake-ups, templates' language and icons."""
    logs.configure(settings.log_level)
    app = Flask("server", template_folder="../templates", static_folder=None)
    app.config.update(
        SETTINGS=settings, BASE_URL=settings.base_url, MAX_CONTENT_LENGTH=30 * 2**20, MAX_FORM_MEMORY_SIZE=5 * 2**20
    )
    app.extensions["warmline_keys"] = Keyring.load(settings)
    Database(settings.database_url).init_app(app)
    Wakeups(find_redis_url(settings)).init_app(app)
    i18n.init_app(app)
    icons.init_app(app)
    app.jinja_env.globals["uses_stand_in"] = settings.uses_stand_in
    return app
