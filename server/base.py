"""The platform under every process that needs the database: members' app, streams, workers, commands."""

from flask import Flask

from server import i18n, icons, logs
from server.config import Settings
from server.db import Database
from server.keys import Keyring
from server.queue import Wakeups
from server.valkey import find_redis_url


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
