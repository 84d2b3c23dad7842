"""Sending through the API: from the body of a request to a message in the outbox."""

from sqlmodel import Session

from server.accounts.models import Member
from server.api.shapes.inputs import Mailable, NewMessage
from server.errors import Refused
from server.gmail.mailboxes import find_mailbox
from server.messages.compose import Draft, compose
from server.messages.models import Message


def send(session: Session, member: Member, body: NewMessage, idempotency_key: str | None) -> Message:
    """Compose the mail of `body`; raises `Refused` naming the field at fault, or how to link a mailbox."""
    mailbox = find_mailbox(session, member, body.mailbox_id)
    if mailbox is None and body.mailbox_id is not None:
        raise Refused(f"{body.mailbox_id} is not one of your mailboxes (GET /api/v1/mailboxes)", field="mailbox_id")
    if mailbox is None:
        raise Refused("No mailbox is linked. Open /mailboxes in the web app and connect Gmail, then send.", status=409)
    draft = Draft(
        to=_write_addresses(body.to),
        cc=_write_addresses(body.cc),
        **body.model_dump(include={"subject", "html", "text", "individually", "track_views", "track_clicks", "merges"}),
    )
    return compose(session, member, mailbox, draft, idempotency_key)


def _write_addresses(addresses: str | Mailable | list[str | Mailable]) -> list[str]:
    listed = addresses if isinstance(addresses, list) else [addresses]
    return [address if isinstance(address, str) else _write_address(address) for address in listed]


def _write_address(address: Mailable) -> str:
    if not address.name:
        return address.email
    quoted = address.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address.email}>'
