"""What makes each copy of a merged mail its recipient's own: checked in composing, written in rendering."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session

from server.accounts.models import Member
from server.errors import Refused
from server.gmail.models import Mailbox
from server.library.fields import OF_THE_SENDER, list_known, pack, person_fields, sender_fields, unpack
from server.library.language import MergeError
from server.library.merge import MergeText, Values, read_html, read_plain, render, render_plain
from server.messages.addresses import drop_control
from server.messages.models import Copy, Message
from server.people.custom_fields import list_fields
from server.people.models import CustomField, Person

SHOWN_NAMES = 5


@dataclass(slots=True)
class Merge:
    """The fields of one mail: who lacks which is gathered copy by copy, and refused in one sentence."""

    subject: MergeText
    body: MergeText
    sender: Values
    custom: list[CustomField]
    lacking: dict[str, list[str]] = field(default_factory=dict)

    @property
    def keys(self) -> set[str]:
        """The keys of all fields of the mail."""
        return {field.key for text in (self.subject, self.body) for field in text.fields}

    def write(self, copy: Copy, person: Person, address: str) -> None:
        """Give `copy` the values of `person`, who gets it under `address`."""
        own = person_fields(person, address, self.custom)
        missing = [*self.subject.find_missing({**own, **self.sender}), *self.body.find_missing({**own, **self.sender})]
        for key in dict.fromkeys(missing):
            self.lacking.setdefault(key, []).append(person.name or address)
        copy.fields = pack(own, self.keys)
        subject = self.subject.write({**own, **self.sender}, lambda field: field.written)
        copy.subject = drop_control(" ".join(subject.splitlines()))

    def settle(self, message: Message, copy: Copy) -> None:
        """Let `message` say what its only copy says: to one recipient it is a mail like any other."""
        html, text, subject = html_of(message, copy), text_of(message, copy), subject_of(message, copy)
        message.html, message.text, message.subject = html, text, subject
        message.is_merged, message.fields, copy.fields, copy.subject = False, {}, {}, ""

    def refuse_lacking(self) -> None:
        """Raise `Refused` naming who has no value where the mail has no default either."""
        if self.lacking:
            raise Refused(" ".join(_say_lacking(key, names) for key, names in self.lacking.items()), field="html")


def find_merge(
    session: Session, member: Member, mailbox: Mailbox, subject: str, html: str, text: str, shared_by: int
) -> Merge | None:
    """Return what is to merge in a mail, None where nothing is; `shared_by` people read one and the same copy.

    Raises `Refused` for a field that there is not, and for a person's field in a mail that several people share.
    """
    texts = (_read(subject, "subject"), _read(html, "html") if html else _read(text, "text"))
    if all(text.is_plain for text in texts):
        return None
    known = {known.key for known in list_known(session, member.workspace_id)}
    for read, name in zip(texts, ("subject", "html"), strict=True):
        _check(read, known, name)
    merge = Merge(*texts, sender_fields(session, member, mailbox), list_fields(session, member.workspace_id))
    if shared_by > 1 and merge.keys - OF_THE_SENDER.keys():
        raise Refused(
            _("This mail has fields and goes to several people at once. Switch on “Send individually”, or take the "
              "fields out."), field="individually",
        )  # fmt: skip
    return merge


def html_of(message: Message, copy: Copy) -> str:
    """Return the HTML of `message` as the recipient of `copy` reads it."""
    return render(message.html, _values_of(message, copy)) if message.is_merged and message.html else message.html


def text_of(message: Message, copy: Copy) -> str:
    """Return the text of a text-only `message` as the recipient of `copy` reads it."""
    return render_plain(message.text, _values_of(message, copy)) if message.is_merged else message.text


def subject_of(message: Message, copy: Copy) -> str:
    """Return the subject of `message` as the recipient of `copy` reads it."""
    return copy.subject if message.is_merged else message.subject


def _values_of(message: Message, copy: Copy) -> Values:
    return unpack(copy.fields) | unpack(message.fields)


def _read(text: str, name: str) -> MergeText:
    try:
        return read_html(text) if name == "html" else read_plain(text)
    except MergeError as error:
        error.field = name if name == "subject" else "html"
        raise


def _check(text: MergeText, known: Iterable[str], name: str) -> None:
    try:
        text.check(set(known))
    except MergeError as error:
        error.field = name
        raise


def _say_lacking(key: str, names: list[str]) -> str:
    if key in OF_THE_SENDER:
        return _("You have no “%(field)s” for this mailbox. Give {{%(key)s}} a value in your settings, or a default.",
                 field=OF_THE_SENDER[key], key=key)  # fmt: skip
    shown = ", ".join(names[:SHOWN_NAMES]) + (" …" if len(names) > SHOWN_NAMES else "")
    return ngettext(
        "%(num)d person has no value for “%(key)s”: %(names)s. Fill it in, or write a default: {{%(key)s|…}}.",
        "%(num)d people have no value for “%(key)s”: %(names)s. Fill it in, or write a default: {{%(key)s|…}}.",
        len(names), names=shown, key=key,
    )  # fmt: skip
