"""Mail that leaves Gmail's compose: tracked HTML for it, one by one from here, and taken back."""

from flask import jsonify, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.accounts.session import get_member
from server.config import get_settings
from server.db import get_session
from server.keys import get_keys
from server.security import allow
from server.sidebar import mail
from server.sidebar.answers import Declined
from server.sidebar.routes.blueprint import answers, read_body


@answers.post("/mail")
@allow("rep")
def add_mail() -> ResponseReturnValue:
    """Answer what Gmail shall send in place of the body, or send the mail one by one from here."""
    body, session = read_body(), get_session()
    outgoing, member = mail.read_outgoing(body), get_member(session)
    if body.get("individually") is True:
        message, count = mail.send_individually(session, member, outgoing)
        session.commit()
        url = get_settings().base_url + url_for("messages.show_message", message_id=message.id)
        return jsonify(id=message.id, html=None, sent=True, recipients=count, url=url), 201
    if body.get("track") is False:
        raise Declined("not_tracked", _("Tracking is switched off for this mail."))
    message, html = mail.hand_out(session, get_settings(), get_keys(), member, outgoing)
    session.commit()
    return jsonify(id=message.id, html=html, sent=False), 201


@answers.post("/mail/<int(max=2147483647):message_id>/cancellation")
@allow("rep")
def cancel_mail(message_id: int) -> ResponseReturnValue:
    """Forget a mail that Gmail did not send after all."""
    session = get_session()
    mail.cancel(session, current_user, message_id)
    session.commit()
    return "", 204
