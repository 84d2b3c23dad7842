"""Who is asking: the server-side browser session behind a cookie, or a bearer token."""

from flask import Flask
from flask_login import LoginManager


def init_app(app: Flask) -> None:
    """Install sign-in on `app`."""
    LoginManager(app)
    app.secret_key = "replaced by the accounts room"
