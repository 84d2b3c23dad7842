"""Which fields a workspace's texts may name, and their values for one person and one sender."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString
from sqlmodel import Session

from server.accounts.models import Member
from server.gmail.models import Mailbox
from server.library.language import key_of
from server.library.merge import Rich
from server.library.models import MailboxSignature, Signature
from server.messages.plain import to_text
from server.people.custom_fields import list_fields
from server.people.models import CustomField, Person
from server.people.projections import read_emails

OF_A_PERSON: dict[str, LazyString] = {
    "first_name": lazy_gettext("First name"),
    "last_name": lazy_gettext("Last name"),
    "name": lazy_gettext("Name"),
    "company": lazy_gettext("Company"),
    "job_title": lazy_gettext("Job title"),
    "email": lazy_gettext("Email address"),
    "phone": lazy_gettext("Phone"),
}
OF_THE_SENDER: dict[str, LazyString] = {
    "sender_name": lazy_gettext("Your name"),
    "sender_email": lazy_gettext("Your address"),
    "sender_signature": lazy_gettext("Your signature"),
}


@dataclass(frozen=True, slots=True)
class KnownField:
    """A field of the menu: its key as texts name it, and its name for people."""

    key: str
    label: str


def list_known(session: Session, workspace_id: int) -> list[KnownField]:
    """Return the fields that texts of this workspace may name: of the person, its own ones, of the sender."""
    own = {key_of(field.name): field.name for field in list_fields(session, workspace_id)}
    named = {key: str(label) for key, label in {**OF_A_PERSON, **OF_THE_SENDER}.items()}
    first, last = list(OF_A_PERSON), list(OF_THE_SENDER)
    keys = [*first, *(key for key in own if key and key not in named), *last]
    return [KnownField(key, named.get(key) or own[key]) for key in keys]


def fields_of(
    session: Session, person: Person | None, member: Member, mailbox: Mailbox | None = None
) -> dict[str, str | Rich]:
    """Return what is known of `person` and of `member` as sender from `mailbox`, by key; what is empty is left out."""
    known = sender_fields(session, member, mailbox)
    if person is not None:
        email = next(iter(read_emails(session, person.id or 0)), "")
        known |= person_fields(person, email, list_fields(session, person.workspace_id))
    return known


def person_fields(person: Person, email: str, custom: Collection[CustomField]) -> dict[str, str]:
    """Return what is known of a person; reads nothing, so that a campaign asks once for many."""
    first, last = split_name(person.name)
    own = {key_of(field.name): str(person.custom.get(str(field.id)) or "") for field in custom}
    known = own | {
        "first_name": first, "last_name": last, "name": " ".join(person.name.split()), "company": person.company,
        "job_title": person.job_title, "email": email, "phone": person.phone,
    }  # fmt: skip
    return {key: value for key, value in known.items() if value.strip() and key not in OF_THE_SENDER}


def sender_fields(session: Session, member: Member, mailbox: Mailbox | None = None) -> dict[str, str | Rich]:
    """Return what is known of the sender; the signature is the one of `mailbox`."""
    known: dict[str, str | Rich] = {
        "sender_name": member.name, "sender_email": mailbox.email if mailbox else member.email,
    }  # fmt: skip
    chosen = session.get(MailboxSignature, mailbox.id) if mailbox else None
    signature = session.get(Signature, chosen.signature_id) if chosen else None
    if signature is not None and signature.html:
        known["sender_signature"] = Rich(signature.html, to_text(signature.html).strip())
    return {key: value for key, value in known.items() if value}


def split_name(name: str) -> tuple[str, str]:
    """Return first and last name of `Kevin Flynn` or `Flynn, Kevin`; one word alone is the first name."""
    last, comma, first = (part.strip() for part in name.partition(","))
    if comma and first:
        return " ".join(first.split()), " ".join(last.split())
    first, _space, last = " ".join(name.replace(",", " ").split()).partition(" ")
    return first, last


def pack(values: Mapping[str, str | Rich], keys: Collection[str]) -> dict[str, object]:
    """Return the `values` under `keys` as JSON keeps them."""
    chosen = {key: value for key, value in values.items() if key in keys}
    return {
        key: {"html": value.html, "text": value.text} if isinstance(value, Rich) else value
        for key, value in chosen.items()
    }


def unpack(kept: Mapping[str, object]) -> dict[str, str | Rich]:
    """Return the values that `pack` made."""
    return {key: Rich(**value) if isinstance(value, dict) else str(value) for key, value in kept.items()}
