"""Gmail's sync requests that save and send mail: what stands where, as @inboxsdk/core 2.2.26 reads them."""

from dataclasses import dataclass
from typing import Any

SENT_ACTION = "^pfg"


@dataclass(frozen=True)
class Mail:
    """A mail as the page's request carried it."""

    id: str
    thread_id: str
    to: list[str]
    cc: list[str]
    bcc: list[str]
    subject: str
    body: str
    actions: list[str]

    @property
    def is_sent(self) -> bool:
        """Whether Gmail shall send it, and not only keep it."""
        return SENT_ACTION in self.actions


def read_update(request: Any) -> Mail:
    """Return the mail in the body of a request to `…/i/s`."""
    thread_id, change = request[1][0][0][1]
    message = (change[13] if len(change) > 13 else change[1])[0]
    return Mail(
        id=message[0], thread_id=thread_id, to=_addresses(message[2]), cc=_addresses(message[3]),
        bcc=_addresses(message[4]), subject=message[7], body=message[8][1][0][1], actions=message[10],
    )  # fmt: skip


def answer_update(mail: Mail) -> Any:
    """Return what Gmail answers: the thread with the message as it is kept now, with its ids of old."""
    message: list[Any] = [None] * 56
    message[0], message[10] = mail.id, mail.actions
    message[2], message[3], message[4] = ([[1, one] for one in who] for who in (mail.to, mail.cc, mail.bcc))
    message[13], message[55] = f"<{mail.id.removeprefix('msg-a:')}@mail.gmail.com>", _old_id(mail.id)
    thread: list[Any] = [None] * 20
    thread[4], thread[19] = [message], _old_id(mail.thread_id)
    return [None, [None, None, None, None, None, [[[mail.thread_id, None, [None] * 6 + [[thread]]]]]]]


def _addresses(contacts: list[Any]) -> list[str]:
    return [contact[1] for contact in contacts]


def _old_id(sync_id: str) -> str:
    return f"{int(''.join(filter(str.isdigit, sync_id))):016x}"
