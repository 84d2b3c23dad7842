"""Rows that tests start from: Alice owns, Bob is her colleague, Mallory belongs to another workspace."""

import secrets
from typing import Any, TypeVar

from sqlmodel import Session

from server.accounts.models import Member, Role, Workspace
from server.gmail.models import Mailbox
from server.messages.models import Copy, CopyState, Message, Recipient

Row = TypeVar("Row")


def add(session: Session, row: Row) -> Row:
    """Add `row`, flush it so that it has an id, and return it."""
    session.add(row)
    session.flush()
    return row


def make_member(session: Session, name: str = "Alice", workspace: Workspace | None = None, **fields: Any) -> Member:
    """Add a member (a rep, unless told), with a workspace of their own unless one is given."""
    workspace = workspace or add(session, Workspace(name=f"{name}'s team"))
    fields = {"email": f"{name.lower()}@acme.example", "role": Role.REP, **fields}
    return add(session, Member(workspace_id=workspace.id, name=name, **fields))


def make_mailbox(session: Session, member: Member, **fields: Any) -> Mailbox:
    """Add a linked mailbox of `member` under their own address."""
    fields = {"email": member.email, "history_id": 1, **fields}
    return add(session, Mailbox(workspace_id=member.workspace_id, member_id=member.id, **fields))


def make_copy(
    session: Session, mailbox: Mailbox, *addresses: str, subject: str = "Lunch on Thursday?", **fields: Any
) -> Copy:
    """Add a sent message with one copy, shared by all `addresses`."""
    message = add(
        session,
        Message(
            workspace_id=mailbox.workspace_id, member_id=mailbox.member_id, mailbox_id=mailbox.id,
            subject=subject, html="<p>Hello</p>",
        ),
    )  # fmt: skip
    fields = {"state": CopyState.SENT, "tracking_id": secrets.token_hex(16), **fields}
    copy = add(session, Copy(message_id=message.id, mailbox_id=mailbox.id, **fields))
    for address in addresses or ("flynn@flynnsarcade.example",):
        add(session, Recipient(message_id=message.id, copy_id=copy.id, address=address))
    return copy
