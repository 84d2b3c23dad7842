"""The members' app: every room's routes on one platform. The recipients' edge is another app (server/edge.py)."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from server import error_pages, htmx, limits, metrics, security, static_files
from server.accounts import routes as accounts_routes
from server.accounts import session as accounts_session
from server.api import routes as api_routes
from server.base import create_base_app
from server.campaigns import routes as campaigns_routes
from server.config import Settings, load_settings
from server.consent import routes as consent_routes
from server.dead_letters import routes as dead_letters_routes
from server.documents import routes as documents_routes
from server.documents.statistics import routes as readings_routes
from server.feed import routes as feed_routes
from server.gmail import routes as gmail_routes
from server.gmail import webhook as gmail_webhook
from server.library import routes as library_routes
from server.messages import routes as messages_routes
from server.people import routes as people_routes
from server.sandbox import routes as sandbox_routes
from server.sandbox.lab import routes as lab_routes
from server.scoring import routes as scoring_routes
from server.sidebar import routes as sidebar_routes
from server.tasks import routes as tasks_routes
from server.tracking.shipping import routes as shipping_routes
from server.tracking.site import routes as site_routes


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
    for room in (
        accounts_routes,
        feed_routes,
        messages_routes,
        campaigns_routes,
        library_routes,
        people_routes,
        readings_routes,
        consent_routes,
        gmail_routes,
        gmail_webhook,
        sandbox_routes,
        lab_routes,
        site_routes,
        shipping_routes,
        dead_letters_routes,
        scoring_routes,
        tasks_routes,
        documents_routes,
        sidebar_routes,
        api_routes,
    ):
        app.register_blueprint(room.bp)
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    return app
