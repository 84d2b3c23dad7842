"""Pairs a browser with Warmline without its window: what the member would confirm, asked over HTTP."""

import base64
import hashlib
import secrets
from html import unescape
from urllib.parse import parse_qs, urlsplit

import requests

REDIRECT = f"https://{'abcdefghijklmnop' * 2}.chromiumapp.org/paired"
HEADERS = {"X-Warmline-Extension": "999.0.0"}


def pair_device(base_url: str) -> str:
    """Return a device's token of the demo's member."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"challenge": challenge, "redirect": REDIRECT, "state": "state", "device": "Chromium in tests"}
    with requests.Session() as browser:
        browser.post(f"{base_url}/demo", timeout=60).raise_for_status()
        confirmed = browser.post(f"{base_url}/extension/pairing", data=asked, timeout=60)
        confirmed.raise_for_status()
        code = parse_qs(urlsplit(unescape(confirmed.headers["Refresh"].partition("url=")[2])).query)["code"][0]
    given = {"code": code, "verifier": verifier, "redirect": REDIRECT}
    answer = requests.post(f"{base_url}/extension/token", json=given, headers=HEADERS, timeout=60)
    answer.raise_for_status()
    token: str = answer.json()["token"]
    return token


def revoke_device(base_url: str, token: str) -> None:
    """Revoke the token, as its member does in the settings."""
    headers = HEADERS | {"Authorization": f"Bearer {token}"}
    requests.post(f"{base_url}/extension/revocation", headers=headers, timeout=60).raise_for_status()
