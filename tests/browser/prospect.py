"""A prospect with a mailbox of their own: reads mail through Gmail's API, opens and clicks it as a browser would."""

import base64
import re
import time
from email import message_from_bytes
from email.message import EmailMessage, Message
from html import unescape
from typing import Any

import requests
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
WAIT_SECONDS = 60


class Prospect:
    """One account of the stand-in, played from outside."""

    def __init__(self, info: dict[str, Any], email: str) -> None:
        token = next(account["access_token"] for account in info["accounts"] if account["email"] == email)
        self.email = email
        self.gmail = build(
            "gmail", "v1", credentials=Credentials(token=token), static_discovery=True,
            client_options={"api_endpoint": info["stand_in"]},
        )  # fmt: skip

    def __enter__(self) -> "Prospect":
        return self

    def __exit__(self, *_error: object) -> None:
        self.gmail.close()

    def read(self, subject: str) -> Message:
        """Return the newest mail with `subject`, waiting until it is there."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            found = self.gmail.users().messages().list(userId="me", q=f'in:inbox subject:"{subject}"').execute()
            if found.get("messages"):
                gmail_id = found["messages"][0]["id"]
                raw = self.gmail.users().messages().get(userId="me", id=gmail_id, format="raw").execute()["raw"]
                return message_from_bytes(base64.urlsafe_b64decode(raw + "=="))
            time.sleep(0.1)
        raise AssertionError(f"{self.email} got no mail “{subject}”")

    def view(self, mail: Message, address: str = "") -> requests.Response:
        """Load the mail's pixel, from this machine or through our proxy from the IP `address`."""
        headers = {"User-Agent": AGENT, **({"X-Forwarded-For": address} if address else {})}
        return requests.get(find_pixel(mail), headers=headers, timeout=WAIT_SECONDS)

    def click(self, mail: Message) -> str:
        """Follow the mail's first tracked link and return where it leads."""
        url = _find(mail, r'href="([^"]+/c/[^"]+)"')
        answer = requests.get(url, headers={"User-Agent": AGENT}, timeout=WAIT_SECONDS, allow_redirects=False)
        return answer.headers["Location"]

    def reply(self, mail: Message, text: str) -> None:
        """Answer the mail from this account."""
        answer = EmailMessage()
        answer["From"], answer["To"], answer["Subject"] = self.email, mail["From"], f"Re: {mail['Subject']}"
        answer["In-Reply-To"] = answer["References"] = mail["Message-ID"]
        answer.set_content(text)
        raw = base64.urlsafe_b64encode(answer.as_bytes()).decode()
        self.gmail.users().messages().send(userId="me", body={"raw": raw}).execute()


def find_pixel(mail: Message) -> str:
    """Return the address of the mail's pixel."""
    return _find(mail, r'src="([^"]+/o/[^"]+)"')


def _find(mail: Message, pattern: str) -> str:
    html = next(part for part in mail.walk() if part.get_content_type() == "text/html").get_payload(decode=True)
    assert isinstance(html, bytes)
    found = re.search(pattern, html.decode())
    assert found, "the mail holds nothing tracked"
    return unescape(found[1])
