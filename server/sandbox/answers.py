"""The mails that simulated recipients write back: replies that quote, and automatic replies (RFC 3834)."""

import html
from datetime import timedelta
from email.message import EmailMessage
from random import Random

from server.clock import now
from server.sandbox.letters import Letter

REPLIES = (
    "Thanks, this is what we were looking for. Could you call me on Thursday?",
    "Interesting. How long would the set-up take for a team of twelve?",
    "I passed this on to a colleague; you will hear from us next week.",
    "Looks good. Please send the offer with the longer term as well.",
)
AWAY = "Thank you for your message. I am out of the office and will be back on {date}. I will read it then."


def make_reply(letter: Letter, account: str, chance: Random) -> bytes:
    """Return a reply of `account` that quotes the letter as mail programs do."""
    words = chance.choice(REPLIES)
    mail = _make_answer(letter, account, f"Re: {_without_re(letter.subject)}")
    mail.set_content(f"{words}\n\nOn {now():%d %b %Y}, {letter.sender} wrote:\n> …\n")
    quote = f'<div class="gmail_quote"><blockquote class="gmail_quote">{letter.html}</blockquote></div>'
    mail.add_alternative(f"<div>{html.escape(words)}</div><br>{quote}", subtype="html")
    return mail.as_bytes()


def make_automatic_reply(letter: Letter, account: str) -> bytes:
    """Return the out-of-office reply of `account` with its return date."""
    mail = _make_answer(letter, account, f"Automatic reply: {letter.subject}")
    mail["Auto-Submitted"] = "auto-replied"
    mail["Precedence"] = "bulk"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(AWAY.format(date=f"{now() + timedelta(days=9):%d %B %Y}") + "\n")
    return mail.as_bytes()


def _make_answer(letter: Letter, account: str, subject: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = account, letter.sender, subject
    mail["In-Reply-To"] = letter.message_id
    mail["References"] = f"{letter.references} {letter.message_id}".strip()
    return mail


def _without_re(subject: str) -> str:
    return subject[3:].strip() if subject[:3].lower() == "re:" else subject
