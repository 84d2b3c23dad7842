"""Threads as the page shows them, made from mail that was sent on it."""

from typing import Any

from tests.extension.gmail_page.server import proxy_image
from tests.extension.gmail_page.wire import Mail

RILEY = {"email": "riley@warmline.example", "name": "Riley"}


def make_thread(mail: Mail, answer: dict[str, Any], html: str | None = None) -> dict[str, Any]:
    """Return the thread of a sent `mail`, with the ids of the stand-in's `answer`; `html` in place of its body."""
    people = [{"email": address, "name": address.split("@")[0]} for address in mail.to]
    message = {
        "id": answer["id"],
        "from": RILEY,
        "to": people,
        "date": "Nov 21",
        "html": mail.body if html is None else html,
    }
    return {
        "id": answer["threadId"], "sync_id": f"thread-f:{int(answer['threadId'], 16)}", "subject": mail.subject,
        "snippet": "Hello", "date": "Nov 21", "people": people, "messages": [message],
    }  # fmt: skip


def show_images(*addresses: str, is_proxied: bool = True) -> str:
    """Return a mail's HTML with an image for each address, as Gmail shows it."""
    shown = [proxy_image(address) if is_proxied else address for address in addresses]
    return "<p>Hello</p>" + "".join(f'<img src="{address}" alt="">' for address in shown)
