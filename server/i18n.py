"""Languages: English and French, chosen by the member, else by the browser."""

from flask import Flask, has_request_context, request
from flask_babel import Babel, get_locale
from flask_login import current_user

LOCALES = ("en", "fr")


def init_app(app: Flask) -> None:
    """Install Flask-Babel with the catalogues in `translations/`."""
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", "../translations")
    Babel(app, locale_selector=select_locale)
    app.jinja_env.globals["get_locale"] = get_locale


def select_locale() -> str:
    """Return the language of this answer; workers and streams, who answer nobody, force theirs (`force_locale`)."""
    if not has_request_context():
        return LOCALES[0]
    chosen = getattr(current_user, "locale", None)
    return chosen if chosen in LOCALES else request.accept_languages.best_match(LOCALES, "en")
