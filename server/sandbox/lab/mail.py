"""The lab's mail: composed and rendered as any other, delivered in-process, and what its recipient writes back."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from random import Random

from sqlmodel import Session, select

from server.clock import now
from server.config import get_settings
from server.gmail.answers import RawMail
from server.keys import get_keys
from server.messages.compose import Draft, compose
from server.messages.inbound import receive
from server.messages.models import Copy, CopyState, Recipient, Silence
from server.messages.render import render_copy
from server.sandbox import answers
from server.sandbox.lab.laboratory import Laboratory
from server.sandbox.lab.scenarios import Scenario, Step
from server.sandbox.letters import Letter, read_letter
from server.sandbox.stand_in.bounces import make_notice

LEAST_LINKS = 3
SETTLED = timedelta(minutes=1)
ACCOUNT = "reader@prospect.example"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A mail that the lab's reader has got: its copy, what their program sees of it, and its headers."""

    copy: Copy
    letter: Letter
    headers: list[bytes]
    sent_at: datetime

    def find_url(self, step: Step) -> str:
        """Return what `step` fetches: the pixel, a link, or the hidden link behind them all."""
        if step.do == "view":
            return self.letter.images[0]
        return self.letter.links[-1 if step.do == "honeypot" else step.link - 1]


def deliver(session: Session, lab: Laboratory, scenario: Scenario) -> Delivered:
    """Compose, render and deliver the mail of a scenario, so long ago that all its steps have happened by now."""
    count = max([LEAST_LINKS, *(step.link for step in scenario.steps)])
    links = "".join(f'<p><a href="{find_target(number)}">Page {number}</a></p>' for number in range(1, count + 1))
    html = f"<p>Hello, this mail belongs to the tracking lab.</p>{links}"
    account = f"{secrets.token_hex(6)}.{ACCOUNT}"  # nothing that became of an earlier reader holds for this one
    message = compose(session, lab.sender, lab.mailbox, Draft(to=[account], subject=scenario.title, html=html))
    message.policy, message.has_honeypot = "individual", True
    copy = session.exec(select(Copy).where(Copy.message_id == message.id)).one()
    copy.silence = Silence.NONE
    recipients = session.exec(select(Recipient).where(Recipient.copy_id == copy.id)).all()
    settings = get_settings()
    raw = render_copy(session, settings, get_keys(), lab.sender, lab.mailbox, message, copy, recipients)
    mail = message_from_bytes(raw, policy=policy.default)
    latest = timedelta(milliseconds=max(step.at_ms for step in scenario.steps))
    sent_at = (now() - latest - SETTLED).replace(microsecond=0)
    copy.state, copy.sent_at, copy.rfc822_message_id = CopyState.SENT, sent_at, str(mail["Message-ID"])
    copy.gmail_id = copy.gmail_thread_id = secrets.token_hex(8)
    session.flush()
    headers = [line + b"\r\n" for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n")]
    return Delivered(copy, _read(mail, account, copy, settings.edge_base_url), headers, sent_at)


def find_target(link: int) -> str:
    """Return where a link of the lab's mail leads."""
    return f"https://example.com/{link}"


def write_back(session: Session, lab: Laboratory, delivered: Delivered, step: Step) -> None:
    """Let what a step answers come into the lab's mailbox."""
    letter, account = delivered.letter, delivered.letter.account
    if step.do == "bounce":
        raw = make_notice(lab.mailbox.email, letter.message_id, delivered.headers, account)
    elif step.do == "auto_reply":
        raw = answers.make_automatic_reply(letter, account)
    else:
        raw = answers.make_reply(letter, account, Random(0))  # noqa: S311 - words, not secrets
    received_at = delivered.sent_at + timedelta(milliseconds=step.at_ms)
    thread_id = delivered.copy.gmail_thread_id or ""
    receive(session, lab.mailbox, RawMail(secrets.token_hex(8), thread_id, frozenset({"INBOX"}), raw, received_at))


def _read(mail: EmailMessage, account: str, copy: Copy, edge_base_url: str) -> Letter:
    body = mail.get_body(("html",))
    html = body.get_content() if body is not None else ""
    payload = {
        "headers": [{"name": name, "value": str(value)} for name, value in mail.items()],
        "mimeType": "text/html",
        "body": {"data": base64.urlsafe_b64encode(html.encode()).decode()},
    }
    resource = {"id": copy.gmail_id, "threadId": copy.gmail_thread_id, "payload": payload}
    return read_letter(account, resource, edge_base_url)
