"""How one event is told: its icon and words, who, what, where, when, and what Warmline believes about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from babel.dates import format_datetime, format_timedelta
from flask_babel import get_locale, gettext, lazy_gettext
from flask_babel.speaklater import LazyString

from server.clock import now
from server.documents.progress import Progress
from server.events.models import EventKind, Verdict
from server.events.readers import Readers, tell_readers
from server.events.reasons import explain
from server.feed.queries import EventRow

CANDIDATES_SHOWN = 3
TARGET_LENGTH = 60
MARKETING = "marketing"
UNNAMED = (EventKind.VIEWED, EventKind.CLICKED)

# Kind: lucide icon, the words between who and the mail, and the words where there is no mail.
KINDS: dict[str, tuple[str, LazyString, LazyString]] = {
    EventKind.VIEWED: ("eye", lazy_gettext("viewed"), lazy_gettext("viewed")),
    EventKind.CLICKED: ("mouse-pointer-click", lazy_gettext("clicked a link in"), lazy_gettext("clicked a link in")),
    EventKind.REPLIED: ("reply", lazy_gettext("replied to"), lazy_gettext("replied to")),
    EventKind.AUTO_REPLIED: (
        "plane", lazy_gettext("answered automatically to"), lazy_gettext("answered automatically to"),
    ),
    EventKind.BOUNCED: ("mail-x", lazy_gettext("could not be reached with"), lazy_gettext("could not be reached with")),
    EventKind.UNSUBSCRIBED: ("bell-off", lazy_gettext("unsubscribed after"), lazy_gettext("unsubscribed from")),
    EventKind.COMPLAINED: ("octagon-alert", lazy_gettext("reported as spam"), lazy_gettext("reported as spam")),
    EventKind.DOCUMENT_OPENED: ("file-text", lazy_gettext("opened a document of"), lazy_gettext("opened")),
    EventKind.PAGE_READ: ("book-open", lazy_gettext("read a page in a document of"), lazy_gettext("read a page of")),
    EventKind.DOWNLOADED: ("download", lazy_gettext("downloaded a document of"), lazy_gettext("downloaded")),
    EventKind.WEB_VISITED: ("globe", lazy_gettext("visited your site after"), lazy_gettext("visited")),
    EventKind.INTERESTING_MOMENT: (
        "star", lazy_gettext("had an interesting moment with"), lazy_gettext("had an interesting moment:"),
    ),
}  # fmt: skip

# What is said where a mail has no subject, and where something without a mail has no name.
NAMELESS: dict[str, LazyString] = {
    EventKind.VIEWED: lazy_gettext("a marketing mail"),
    EventKind.CLICKED: lazy_gettext("a marketing mail"),
    EventKind.UNSUBSCRIBED: lazy_gettext("your mail"),
    EventKind.COMPLAINED: lazy_gettext("a marketing mail"),
    EventKind.BOUNCED: lazy_gettext("a marketing mail"),
    EventKind.DOCUMENT_OPENED: lazy_gettext("a document"),
    EventKind.PAGE_READ: lazy_gettext("a document"),
    EventKind.DOWNLOADED: lazy_gettext("a document"),
    EventKind.WEB_VISITED: lazy_gettext("your site"),
}

MOMENTS: dict[str, LazyString] = {
    "email": lazy_gettext("had an interesting moment by email:"),
    "web": lazy_gettext("had an interesting moment on the web:"),
    "milestone": lazy_gettext("reached a milestone:"),
}

# Verdict: lucide icon, word, and the sentence that explains the word.
VERDICTS: dict[str, tuple[str, LazyString, LazyString]] = {
    Verdict.HUMAN: ("user-check", lazy_gettext("Person"), lazy_gettext("A person did this.")),
    Verdict.PROXY: (
        "shield-half",
        lazy_gettext("Via proxy"),
        lazy_gettext("It came through a mail provider's proxy, so that neither place nor device are known."),
    ),
    Verdict.MACHINE: ("bot", lazy_gettext("Machine"), lazy_gettext("A machine did this. It never counts.")),
    Verdict.SELF: ("user-cog", lazy_gettext("You"), lazy_gettext("This was your own device. It never counts.")),
    Verdict.UNKNOWN: ("circle-dashed", lazy_gettext("Unsure"), lazy_gettext("Nothing says who or what did this.")),
}


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One row as the partial shows it; every text is in the language of the reader."""

    id: int
    at_us: int
    at: datetime
    ago: str
    exact: str
    kind: str
    icon: str
    words: str
    who: str
    address: str
    message_id: int | None
    subject: str
    target: str
    target_short: str
    place: str
    is_marketing: bool
    verdict: str
    verdict_icon: str
    verdict_word: str
    verdict_reasons: list[str]
    owner: str
    person_id: int | None
    person_address: str
    may_be_forwarded: bool
    readers: str
    document_id: str
    mail: str
    progress: Progress | None


def present(
    row: EventRow,
    names: Mapping[int, str] | None = None,
    forwarded: Mapping[int, Readers] | None = None,
    progress: Mapping[int, Progress] | None = None,
) -> FeedRow:
    """Return `row` in the current language.

    `names` of members are given where a whole team's rows are shown; `forwarded` are rows whose mail may have been
    forwarded, by id; `progress` is how visits of documents stand, by their ids.
    """
    verdict_icon, verdict_word, meaning = VERDICTS[row.verdict]
    readers = (forwarded or {}).get(row.id)
    return FeedRow(
        id=row.id,
        at_us=row.at_us,
        at=row.at,
        ago=format_timedelta(row.at - now(), add_direction=True, format="short", locale=get_locale()),
        exact=format_datetime(row.at, "medium", tzinfo=UTC, locale=get_locale()) + " UTC",
        kind=row.kind,
        icon=KINDS[row.kind][0],
        words=tell_words(row),
        who=tell_who(row),
        address=row.person_address if row.person_name else "",
        message_id=row.message_id,
        subject=tell_subject(row),
        target=row.link_target or "",
        target_short=_shorten(row.link_target or ""),
        place=tell_place(row),
        is_marketing=row.content_kind == MARKETING,
        verdict=row.verdict,
        verdict_icon=verdict_icon,
        verdict_word=str(verdict_word),
        verdict_reasons=[str(meaning), *map(explain, row.reasons)],
        owner=(names or {}).get(row.member_id, ""),
        person_id=row.person_id,
        person_address=row.person_address,
        may_be_forwarded=readers is not None,
        readers=tell_readers(readers, len(row.person_candidates) or 1) if readers else "",
        document_id=str(row.details.get("document", "")) if "file" in row.details else "",
        mail=row.subject if "file" in row.details and row.message_id is not None else "",
        progress=(progress or {}).get(find_visit_id(row) or 0),
    )


def tell_words(row: EventRow) -> str:
    """Return what stands between who and what."""
    _icon, with_mail, alone = KINDS[row.kind]
    if "file" in row.details:
        if row.kind == EventKind.PAGE_READ:
            return gettext("read page %(page)s of %(pages)s of", page=row.details["page"], pages=row.details["pages"])
        return str(alone)
    if row.message_id is not None:
        return str(with_mail)
    if row.kind == EventKind.INTERESTING_MOMENT:
        return str(MOMENTS.get(str(row.details.get("moment")), alone))
    return str(alone)


def tell_subject(row: EventRow) -> str:
    """Return with what somebody engaged: the mail's subject, or the page, document or moment."""
    if "file" in row.details:
        return str(row.details["file"])
    if row.subject:
        return row.subject
    if row.message_id is not None:
        return gettext("(no subject)")
    if row.kind in UNNAMED and row.content_kind != MARKETING:
        return gettext("one of your mails")  # which one, an aggregate policy does not say
    text = row.details.get("text")
    return text if isinstance(text, str) and text else str(NAMELESS.get(row.kind, ""))


def find_visit_id(row: EventRow) -> int | None:
    """Return the id of the visit to a document that `row` tells the beginning of."""
    return row.details.get("visit") if row.kind == EventKind.DOCUMENT_OPENED else None


def tell_who(row: EventRow) -> str:
    """Return the person's name or address; for a copy that several share, all of them, never a guess (F8)."""
    if row.person_name or row.person_address:
        return row.person_name or row.person_address
    shown, rest = row.person_candidates[:CANDIDATES_SHOWN], row.person_candidates[CANDIDATES_SHOWN:]
    if rest:
        return gettext("%(names)s or %(count)s others", names=", ".join(shown), count=len(rest))
    if len(shown) > 1:
        return gettext("%(names)s or %(last)s", names=", ".join(shown[:-1]), last=shown[-1])
    return shown[0] if shown else gettext("Somebody")


def tell_place(row: EventRow) -> str:
    """Return city and country in the reader's language, as far as they are known."""
    locale = get_locale()
    country = locale.territories.get(row.place_country, row.place_country) if locale else row.place_country
    return ", ".join(part for part in (row.place_city, country) if part)


def _shorten(target: str) -> str:
    parts = urlsplit(target)
    text = parts.netloc.removeprefix("www.") + parts.path.rstrip("/")
    return text if len(text) <= TARGET_LENGTH else text[: TARGET_LENGTH - 1] + "…"
