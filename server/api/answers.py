"""Rows as the REST API shows them: what a program may know of them, and never a secret."""

from typing import Any

from sqlalchemy import Row

from server.accounts.models import Member, Workspace
from server.api.queries import Parts
from server.api.shapes.outputs import (
    EventAnswer,
    LinkAnswer,
    MailboxAnswer,
    MeAnswer,
    MessageAnswer,
    PersonAnswer,
    Place,
    RecipientAnswer,
    WorkspaceAnswer,
)
from server.events.models import EventKind
from server.gmail.models import Mailbox
from server.messages.models import Copy, CopyState, Message, Recipient
from server.messages.queries import message_state

KINDS_WITH_SENDER = (EventKind.REPLIED, EventKind.AUTO_REPLIED, EventKind.BOUNCED)


def show_event(event: Row[Any]) -> EventAnswer:
    """Return one event; several candidates leave the person open rather than guessed (F8)."""
    person = PersonAnswer(id=event.person_id, name=event.person_name, email=event.person_address or None)
    is_open = len(event.person_candidates) > 1
    return EventAnswer(
        id=event.id,
        kind=event.kind,
        at=event.at,
        recorded_at=event.recorded_at,
        verdict=event.verdict,
        confidence=event.confidence,
        reasons=event.reasons,
        person=None if is_open else person,
        candidates=event.person_candidates if is_open else [],
        member_id=event.member_id or None,
        message=event.message_id,
        recipient=event.recipient_id,
        subject=event.subject,
        content_kind=event.content_kind,
        place=_show_place(event),
        link=event.link_target,
        sender=person if event.kind in KINDS_WITH_SENDER else None,
        details=event.details,
    )


def _show_place(event: Row[Any]) -> Place | None:
    if not (event.place_city or event.place_country):
        return None
    return Place(city=event.place_city, country=event.place_country, source=event.place_source)


def show_message(message: Message, parts: Parts) -> MessageAnswer:
    """Return one message with where each of its copies stands."""
    assert message.id is not None  # noqa: S101 - messages come from the database
    copies = {copy.id: copy for copy in parts.copies[message.id]}
    recipients = parts.recipients[message.id]
    shared = len(recipients) > len(copies)
    sent = [copy.sent_at for copy in copies.values() if copy.sent_at is not None]
    failures = [copy.failure for copy in copies.values() if copy.state == CopyState.FAILED and copy.failure]
    return MessageAnswer(
        id=message.id,
        member_id=message.member_id,
        mailbox_id=message.mailbox_id,
        subject=message.subject,
        state=CopyState(message_state(copies.values())),
        message_id=next(iter(copies.values())).rfc822_message_id if len(copies) == 1 else None,
        failure=failures[0] if failures else None,
        individually=message.individually,
        track_views=message.track_views,
        track_clicks=message.track_clicks,
        created_at=message.created_at,
        sent_at=max(sent) if sent and len(sent) == len(copies) else None,
        recipients=[_show_recipient(recipient, copies[recipient.copy_id], shared) for recipient in recipients],
        links=[LinkAnswer(position=link.position, target=link.target) for link in parts.links[message.id]],
    )


def _show_recipient(recipient: Recipient, copy: Copy, is_shared: bool) -> RecipientAnswer:
    assert recipient.id is not None  # noqa: S101 - recipients come from the database
    return RecipientAnswer(
        id=recipient.id,
        email=recipient.address,
        name=recipient.name,
        kind=recipient.kind,
        person_id=recipient.person_id,
        state=CopyState(copy.state),
        message_id=copy.rfc822_message_id,
        is_shared=is_shared,
        failure=copy.failure or None,
        sent_at=copy.sent_at,
        views=copy.views,
        clicks=copy.clicks,
        replies=copy.replies,
        bounces=copy.bounces,
    )


def show_mailbox(mailbox: Mailbox) -> MailboxAnswer:
    """Return one mailbox and when it was last heard of."""
    return MailboxAnswer.model_validate(mailbox, from_attributes=True)


def show_me(member: Member, workspace: Workspace) -> MeAnswer:
    """Return the member whom a token speaks for."""
    shown = WorkspaceAnswer.model_validate(workspace, from_attributes=True)
    return MeAnswer.model_validate({**member.model_dump(include={"id", "email", "name", "role"}), "workspace": shown})
