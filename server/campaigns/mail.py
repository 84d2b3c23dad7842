"""The mail of a step: one message for each run, variant and mailbox, and in it one copy for each person."""

import secrets
from dataclasses import dataclass

from sqlmodel import Session

from server.accounts.models import Member
from server.campaigns.models import Campaign, Enrolment, Run, StepMessage, Variant
from server.clock import now
from server.config import get_settings
from server.consent.silence import find_silence, prepare
from server.gmail.models import Mailbox
from server.library.fields import pack, person_fields, sender_fields
from server.library.merge import MergeText, Rich, read_html, read_plain
from server.messages.compose import TRACKING_ID_BYTES
from server.messages.followed import answer_subject
from server.messages.links import find_links
from server.messages.models import Copy, CopyState, Link, Message, MessageSource, Recipient
from server.people.custom_fields import list_fields
from server.people.models import CustomField, Person
from server.queue import wake


class Incomplete(Exception):
    """A person lacks a value that the text needs; `args[0]` is the field's key."""


@dataclass(slots=True)
class StepMail:
    """A step's message from one mailbox, with all that its copies share; made once for a batch."""

    message: Message
    mailbox: Mailbox
    variant: Variant
    texts: tuple[MergeText, MergeText]
    sender: dict[str, str | Rich]
    custom: list[CustomField]


def open_mail(session: Session, campaign: Campaign, run: Run, variant: Variant, mailbox: Mailbox) -> StepMail:
    """Return the message that carries `variant` from `mailbox` in `run`, made at its first copy."""
    known = session.get(StepMessage, (run.id, variant.id, mailbox.id))
    member = session.get_one(Member, mailbox.member_id)
    sender = sender_fields(session, member, mailbox)
    if known is not None:
        message = session.get_one(Message, known.message_id)
    else:
        message = _add_message(session, campaign, variant, mailbox, sender)
        session.add(StepMessage(run_id=run.id, variant_id=variant.id, mailbox_id=mailbox.id, message_id=message.id))
        session.flush()
    texts = (read_plain(variant.subject), read_html(variant.html))
    return StepMail(message, mailbox, variant, texts, sender, list_fields(session, campaign.workspace_id))


def _add_message(
    session: Session, campaign: Campaign, variant: Variant, mailbox: Mailbox, sender: dict[str, str | Rich]
) -> Message:
    message = Message(
        workspace_id=campaign.workspace_id, member_id=mailbox.member_id, mailbox_id=mailbox.id,
        subject=variant.subject, html=variant.html, source=MessageSource.CAMPAIGN, individually=True,
        campaign_id=campaign.id, is_merged=True,
    )  # fmt: skip
    message.fields = pack(sender, list(sender))
    prepare(session, mailbox, message)
    if message.track_clicks:
        for link in find_links(get_settings(), message.html):
            session.add(Link(message_id=message.id, position=link.position, target=link.target))
    session.flush()
    return message


def add_copy(
    session: Session, mail: StepMail, enrolment: Enrolment, person: Person, earlier: Copy | None, in_thread: bool
) -> Copy:
    """Add the copy for one person, due now; raises `Incomplete` where the text needs what is not known of them.

    After an `earlier` copy to them it leaves only while no reply can be overlooked; `in_thread`, as a reply to it.
    """
    own = person_fields(person, enrolment.address, mail.custom)
    values: dict[str, str | Rich] = {**own, **mail.sender}
    for text in mail.texts:
        if missing := text.find_missing(values):
            raise Incomplete(missing[0])
    message = mail.message
    keys = {field.key for text in mail.texts for field in text.fields}
    copy = Copy(
        message_id=message.id, mailbox_id=message.mailbox_id, tracking_id=secrets.token_hex(TRACKING_ID_BYTES),
        subject=mail.texts[0].write(values, lambda _field: ""), fields=pack(own, keys),
        state=CopyState.QUEUED, due_at=now(), waits_for_sync=earlier is not None,
        silence=find_silence(session, mail.mailbox, message, [enrolment.address]),
    )  # fmt: skip
    if earlier is not None and in_thread:
        copy.follows_id, copy.subject = earlier.id, answer_subject(earlier.subject)
    session.add(copy)
    session.flush()
    session.add(
        Recipient(
            message_id=message.id, copy_id=copy.id, person_id=person.id, kind="to", address=enrolment.address,
            name=person.name,
        )
    )  # fmt: skip
    wake(session, "send_copy", copy.id)
    return copy
