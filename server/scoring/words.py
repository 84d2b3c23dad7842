"""The words and icons of what counts towards a score."""

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from server.events.models import EventKind, Verdict

# Kind: lucide icon, and the word, in the order in which the settings list them.
KINDS: dict[str, tuple[str, LazyString]] = {
    EventKind.VIEWED: ("eye", lazy_gettext("Viewed")),
    EventKind.CLICKED: ("mouse-pointer-click", lazy_gettext("Clicked")),
    EventKind.REPLIED: ("reply", lazy_gettext("Replied")),
    EventKind.DOCUMENT_OPENED: ("file-text", lazy_gettext("Opened a document")),
    EventKind.PAGE_READ: ("book-open", lazy_gettext("Read a page")),
    EventKind.DOWNLOADED: ("download", lazy_gettext("Downloaded")),
    EventKind.WEB_VISITED: ("globe", lazy_gettext("Visited the site")),
    EventKind.INTERESTING_MOMENT: ("star", lazy_gettext("Interesting moment")),
    EventKind.AUTO_REPLIED: ("plane", lazy_gettext("Automatic reply")),
    EventKind.BOUNCED: ("mail-x", lazy_gettext("Bounced")),
    EventKind.UNSUBSCRIBED: ("bell-off", lazy_gettext("Unsubscribed")),
    EventKind.COMPLAINED: ("octagon-alert", lazy_gettext("Reported as spam")),
}

# Why an event counts 0; nothing for a kind that is worth 0.
UNCOUNTED: dict[str, tuple[str, LazyString]] = {
    Verdict.MACHINE: ("bot", lazy_gettext("a machine: counts 0")),
    Verdict.SELF: ("user-cog", lazy_gettext("your own device: counts 0")),
}
