"""Binds functions to Gmail's methods: addresses, verbs and scopes come from Google's own discovery document.

A method function takes a `Call` and the path's parameters and returns the JSON answer (None: 204). One that changes
something runs inside one writing transaction, so that an answer means it is done.
"""

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from server.sandbox.stand_in import uploads
from server.sandbox.stand_in.errors import GoogleError, make_invalid
from server.sandbox.stand_in.store import get_store

DISCOVERY_DOCUMENT = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents" / "gmail.v1.json"
FULL_SCOPE = "https://mail.google.com/"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised call: whose mailbox, with which scopes, body, media and query parameters."""

    db: sqlite3.Connection
    account: str
    scopes: frozenset[str]
    args: "MultiDict[str, str]"
    body: Json
    media: bytes | None

    def get_limit(self, default: int = 100, most: int = 500) -> int:
        """Return `maxResults`, bounded as Google bounds it."""
        return min(self.args.get("maxResults", default, type=int) or default, most)

    def has_only_metadata(self) -> bool:
        """Return whether the token may read headers but no bodies and no search."""
        readers = {FULL_SCOPE, *(f"https://www.googleapis.com/auth/gmail.{name}" for name in ("modify", "readonly"))}
        return not self.scopes & readers


Method = Callable[..., Json | None]


@cache
def load_methods() -> dict[str, Json]:
    """Return Gmail's methods by name without the prefix `gmail.users.`, as the discovery document describes them."""
    document = json.loads(DISCOVERY_DOCUMENT.read_text())
    return {method["id"].removeprefix("gmail.users."): method for method in _walk(document)}


def _walk(resource: Json) -> Iterator[Json]:
    yield from resource.get("methods", {}).values()
    for child in resource.get("resources", {}).values():
        yield from _walk(child)


def register(app: Flask, methods: dict[str, Method]) -> None:
    """Add the routes of `methods`, keyed by name, with their upload addresses."""
    for name, function in methods.items():
        description = load_methods()[name]
        verb, view = description["httpMethod"], _make_view(name, function)
        app.add_url_rule(_rule(description["flatPath"]), name, view, methods=[verb])
        for protocol in description.get("mediaUpload", {}).get("protocols", {}).values():
            app.add_url_rule(_rule(protocol["path"]), name, view, methods=[verb, "PUT"])


def _rule(path: str) -> str:
    return "/" + re.sub(r"\{(\w+)\}", r"<\1>", path.lstrip("/"))


def _make_view(name: str, function: Method) -> Callable[..., ResponseReturnValue]:
    changes = load_methods()[name]["httpMethod"] != "GET"
    scopes = frozenset(load_methods()[name]["scopes"])

    def view(userId: str, **ids: str) -> ResponseReturnValue:
        store = get_store()
        with store.reading() as db:
            account, granted = authorise(db, scopes)
        if userId.lower() not in ("me", account):
            raise GoogleError(403, "forbidden", f"Delegation denied for {account}")
        upload = uploads.receive()
        if upload.answer is not None:
            return upload.answer
        with store.writing() if changes else store.reading() as db:
            answer = function(Call(db, account, granted, request.args, upload.body, upload.media), **ids)
        return ("", 204) if answer is None else jsonify(answer)

    return view


def authorise(db: sqlite3.Connection, scopes: frozenset[str]) -> tuple[str, frozenset[str]]:
    """Return whose token the request carries and its scopes; raises 401 for a bad one, 403 without one of `scopes`."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip() if kind.lower() == "bearer" else request.args.get("access_token", "")
    row = db.execute("SELECT * FROM access_token WHERE token = ? AND expires_at > ?", (token, time.time())).fetchone()
    if row is None:
        raise make_unauthenticated()
    granted = frozenset(row["scopes"].split())
    if not granted & scopes:
        raise GoogleError(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
    return row["account"], granted


def make_unauthenticated() -> GoogleError:
    """Return Google's answer to a missing, unknown or expired access token."""
    return GoogleError(
        401,
        "authError",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    )


def read_page_token(call: Call) -> list[int] | None:
    """Return the numbers inside `pageToken`, or None on the first page."""
    token = call.args.get("pageToken")
    if not token:
        return None
    if not re.fullmatch(r"\d{1,20}(\.\d{1,20})*", token):
        raise make_invalid("Invalid pageToken")
    return [int(part) for part in token.split(".")]
