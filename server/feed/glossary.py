"""The icon glossary of the feed (F15): each kind of row with its sentence."""

from typing import NamedTuple

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from server.events.models import EventKind
from server.feed.rows import KINDS


class Entry(NamedTuple):
    """One icon, what it is called, and what it means."""

    kind: str
    icon: str
    word: LazyString
    sentence: LazyString


MEANINGS: dict[str, tuple[LazyString, LazyString]] = {
    EventKind.VIEWED: (lazy_gettext("Viewed"), lazy_gettext("Somebody viewed your email.")),
    EventKind.CLICKED: (lazy_gettext("Clicked"), lazy_gettext("Somebody clicked a link in your email.")),
    EventKind.REPLIED: (lazy_gettext("Replied"), lazy_gettext("Somebody replied to your email.")),
    EventKind.INTERESTING_MOMENT: (
        lazy_gettext("Interesting Moment"),
        lazy_gettext("Something worth knowing, by email, on the web, or a milestone, as another system reports it."),
    ),
    EventKind.WEB_VISITED: (
        lazy_gettext("Visited"),
        lazy_gettext("Somebody you know visited a page of your site."),
    ),
    EventKind.DOCUMENT_OPENED: (lazy_gettext("Document"), lazy_gettext("Somebody opened a document you shared.")),
    EventKind.PAGE_READ: (lazy_gettext("Page"), lazy_gettext("Somebody is reading a page of a document you shared.")),
    EventKind.DOWNLOADED: (lazy_gettext("Download"), lazy_gettext("Somebody downloaded a document you shared.")),
    EventKind.BOUNCED: (lazy_gettext("Bounce"), lazy_gettext("Your email could not be delivered.")),
    EventKind.AUTO_REPLIED: (
        lazy_gettext("Automatic reply"),
        lazy_gettext("A program answered, such as an out-of-office note. It counts as no reply."),
    ),
    EventKind.UNSUBSCRIBED: (lazy_gettext("Unsubscribed"), lazy_gettext("Somebody asked for no more mail.")),
    EventKind.COMPLAINED: (lazy_gettext("Complaint"), lazy_gettext("Somebody reported your email as spam.")),
}


def list_entries() -> list[Entry]:
    """Return all kinds, those of the feed's beginnings first."""
    return [Entry(kind, KINDS[kind][0], word, sentence) for kind, (word, sentence) in MEANINGS.items()]
