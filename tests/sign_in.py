"""A signed-in browser without the sign-in page: what most tests start from."""

from flask.testing import FlaskClient
from sqlalchemy.orm import object_session

from server.accounts.browser_sessions import open_session
from server.accounts.models import Member
from server.accounts.stored_session import SESSION_COOKIE, cookie_name
from server.db import get_db


def sign_in(client: FlaskClient, member: Member) -> None:
    """Give `client` a new browser session of `member`; commits first what the test has prepared."""
    if (preparing := object_session(member)) is not None:
        preparing.commit()
    app = client.application
    with app.app_context(), get_db().session() as session:
        _row, token = open_session(session, member.id)
        session.commit()
    client.set_cookie(cookie_name(app.config["SETTINGS"], SESSION_COOKIE), token)
