"""Why a mail did not arrive, and what follows: hard (the address is no good), soft (later it may work), ignored.

By the enhanced status codes of RFC 3463 §3, by the words that servers commonly use where the code says little, else
by the class of the code. Mission R: hard is permanent, an invalid address; soft is temporary, a full mailbox; ignored
says nothing of the address, such as a technical fault of ours.
"""

import re
from dataclasses import dataclass
from typing import Final

HARD: Final = "hard"
SOFT: Final = "soft"
IGNORED: Final = "ignored"

# Status without its class: the reason's code, and the category where the class is permanent (RFC 3463 §3.2–3.8, RFC
# 7505 for null MX, RFC 7372 for authentication). A temporary class is soft whatever follows.
REASONS: dict[str, tuple[str, str]] = {
    "1.0": ("bad_address", HARD),
    "1.1": ("unknown_mailbox", HARD),
    "1.2": ("unknown_domain", HARD),
    "1.3": ("bad_address", HARD),
    "1.4": ("ambiguous_address", HARD),
    "1.6": ("moved", HARD),
    "1.7": ("sender_refused", IGNORED),
    "1.8": ("sender_refused", IGNORED),
    "1.9": ("technical", IGNORED),
    "1.10": ("no_mail_domain", HARD),
    "2.0": ("mailbox_problem", SOFT),
    "2.1": ("mailbox_disabled", HARD),
    "2.2": ("mailbox_full", SOFT),
    "2.3": ("too_large", IGNORED),
    "2.4": ("technical", IGNORED),
    "3.0": ("system_problem", SOFT),
    "3.1": ("system_full", SOFT),
    "3.2": ("system_closed", SOFT),
    "3.4": ("too_large", IGNORED),
    "4.0": ("network_problem", SOFT),
    "4.1": ("no_answer", SOFT),
    "4.2": ("bad_connection", SOFT),
    "4.3": ("unroutable", SOFT),
    "4.4": ("unroutable", HARD),
    "4.5": ("congested", SOFT),
    "4.6": ("loop", IGNORED),
    "4.7": ("expired", SOFT),
    "7.8": ("sender_refused", IGNORED),
    "7.13": ("mailbox_disabled", HARD),
}
BY_SUBJECT = {"5": ("technical", IGNORED), "6": ("content_refused", IGNORED), "7": ("policy", SOFT)}
VAGUE = frozenset({"0.0", "1.0", "2.0", "3.0", "4.0", "7.0", "7.1", "5.0"})  # where the words often know more

# One pattern a line; the first cause with a pattern that is found holds.
PATTERNS: dict[tuple[str, str], str] = {
    ("mailbox_full", SOFT): r"""
        (mailbox|inbox|mail ?folder|account|user|recipient)[^.\n]{0,40}\b(full|quota|exceed)
        over ?quota
        quota ?(exceeded|violation)
        reached[^.\n]{0,20}quota
        exceeded[^.\n]{0,30}(quota|storage)
        disk quota
        insufficient (system )?storage
        bo[iî]te[^.\n]{0,30}pleine
        postfach[^.\n]{0,30}voll
    """,
    ("unknown_mailbox", HARD): r"""
        user[^.\n]{0,25}(unknown|not (found|exist|known|listed))
        unknown[^.\n]{0,15}(user|address|recipient|account|local|mailbox)
        no such (user|mailbox|address|recipient|account|person|local|email)
        (mailbox|address|account|recipient|user)[^.\n]{0,60}(does ?n[o']t|not) exist
        (mailbox|address|account|recipient|user)[^.\n]{0,60}(not found|is unknown|not valid|invalid|rejected)
        (mailbox|address|account|recipient|user)[^.\n]{0,60}no longer (exists|valid|available|in use)
        invalid[^.\n]{0,20}(recipient|mailbox|address|user)
        user does ?n[o']t have (a|an)[^\n]{0,40}account
        no matches to
        no mailbox (here|by that)
        not our customer
        (isn't|not) listed in
        is not a (valid|known)
        unrouteable address
        mailbox unavailable
        couldn't be found
        no valid recipients
        bad destination mailbox
        utilisateur inconnu
        n'existe pas
        unbekannter (empf|benutz)
        no existe
    """,
    ("unknown_domain", HARD): r"""
        (host|domain)[^.\n]{0,30}(unknown|not found|not exist|does ?n[o']t exist)
        (unknown|no such) (host|domain)
        name (service|server)[^.\n]{0,20}(error|fail)
        nxdomain
        \bno mx\b
        couldn't find any host
    """,
    ("mailbox_disabled", HARD): r"""
        (account|mailbox|user|address)[^.\n]{0,50}(disabled|inactive|suspended|deactivated|closed|cancel|locked)
        (account|mailbox|user|address)[^.\n]{0,50}(terminated|discontinued|expired|blocked)
        no longer (employed|works|with)
    """,
    ("too_large", IGNORED): r"""
        (message|mail)[^.\n]{0,30}(too (large|big|long)|size (limit|exceed))
        exceeds?[^.\n]{0,30}(message )?size
    """,
    ("policy", SOFT): r"""
        spam
        junk
        virus
        blocked
        (black|block) ?list
        \b(dnsbl|rbl|dmarc|spf|dkim)\b
        reputation
        policy
        unsolicited
        denied
        not authori[sz]ed
        refused to (accept|deliver)
        content reject
    """,
    ("loop", IGNORED): r"""
        mail loop
        too many hops
        hop count
    """,
    ("expired", SOFT): r"""
        time(d)? ?out
        retry (time|timeout)
        expired
        could not be delivered (for|within)
        giving up
        failed \d+ attempts
        queued? too long
        not been (delivered|able to)
    """,
    ("no_answer", SOFT): r"""
        connection (refused|reset|timed|lost)
        no route
        unreachable
        cannot connect
        not respond
        temporar
        try again
        greylist
        deferred
        resources
        server (busy|error)
    """,
}
WORDS = {
    cause: re.compile("|".join(line.strip() for line in lines.strip().splitlines()), re.IGNORECASE)
    for cause, lines in PATTERNS.items()
}
SMTP_CODE = re.compile(r"(?<![\d.])([45])\d\d(?=[ \-])")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why, as a code, and what follows from it."""

    code: str
    category: str


def find_cause(status: str, diagnostic: str) -> Cause:
    """Return the cause that an enhanced status code and a server's words name; the one that says more wins."""
    kind, _dot, detail = status.partition(".")
    by_words = next((Cause(*cause) for cause, words in WORDS.items() if words.search(diagnostic)), None)
    if detail and detail not in VAGUE:
        code, category = REASONS.get(detail) or BY_SUBJECT.get(detail.partition(".")[0]) or ("unspecified", HARD)
        return Cause(code, SOFT if kind == "4" and category == HARD else category)
    if by_words is not None:
        return Cause(by_words.code, SOFT if kind == "4" and by_words.category == HARD else by_words.category)
    if detail in REASONS or detail.partition(".")[0] in BY_SUBJECT:
        code, category = REASONS.get(detail) or BY_SUBJECT[detail.partition(".")[0]]
        return Cause(code, SOFT if kind == "4" else category)
    found = SMTP_CODE.search(diagnostic)
    is_temporary = kind == "4" or (not kind and found is not None and found[1] == "4")
    return Cause("temporary", SOFT) if is_temporary else Cause("unspecified", HARD)
