"""Publishes mailbox changes as Pub/Sub does, and pushes them with a signed token until they are acknowledged.

The newest notification of a mailbox stands for the older ones that still wait: Gmail, too, drops what comes faster than
its limit, and a history id names everything before it.
"""

import base64
import json
import sqlite3
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from threading import Event, Thread

import requests
import structlog
from flask import Flask

from server.config import Settings
from server.sandbox.stand_in import keys
from server.sandbox.stand_in.store import Store

KEPT_NOTIFICATIONS = 20_000
BACK_OFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
GIVE_UP_SECONDS = 7 * 86400
PUSH_TIMEOUT_SECONDS = 10
TOKEN_SECONDS = 3600
SUBSCRIPTION = "projects/warmline/subscriptions/gmail"

log = structlog.get_logger()


def publish(db: sqlite3.Connection, account: str, history_id: int, labels: Iterable[str] | None) -> None:
    """Add a notification where the mailbox is watched for mail with one of these labels (None: whatever it has)."""
    query = "SELECT * FROM watch WHERE account = ? AND expires_at > ?"
    watch = db.execute(query, (account, time.time() * 1000)).fetchone()
    if watch is None:
        return
    wanted = set(json.loads(watch["label_ids"]))
    if labels is not None and wanted and bool(wanted.intersection(labels)) == bool(watch["excludes"]):
        return
    add = "INSERT INTO notification (topic, account, history_id, published_at) VALUES (?, ?, ?, ?)"
    added = db.execute(add, (watch["topic"], account, history_id, int(time.time() * 1000)))
    db.execute("DELETE FROM notification WHERE id <= ?", ((added.lastrowid or 0) - KEPT_NOTIFICATIONS,))


def make_message(row: sqlite3.Row) -> dict[str, str]:
    """Return the PubsubMessage of a notification."""
    data = json.dumps({"emailAddress": row["account"], "historyId": row["history_id"]})
    published = datetime.fromtimestamp(row["published_at"] / 1000, UTC).isoformat(timespec="milliseconds")
    time_text = published.replace("+00:00", "Z")
    return {
        "data": base64.b64encode(data.encode()).decode(),
        "messageId": str(10**15 + row["id"]),
        "message_id": str(10**15 + row["id"]),
        "publishTime": time_text,
        "publish_time": time_text,
    }


class Pusher:
    """One thread that posts what waits, mailbox by mailbox in order, and tries again with growing pauses."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.configure(settings)
        self._stopping = Event()
        self._refused: dict[str, tuple[int, float]] = {}
        self._session = requests.Session()
        self._session.trust_env = False
        self._thread = Thread(target=self._run, name="pusher", daemon=True)

    def configure(self, settings: Settings) -> None:
        """Push to the audience's address as the service account of `settings`, where they want pushes at all."""
        self.service_account = settings.pubsub_service_account
        self.audience = settings.pubsub_audience
        self.endpoint = settings.pubsub_audience if settings.gmail_notifications == "push" else ""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping.set()
        self.store.changed.set()
        self._thread.join()
        self._session.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.store.changed.clear()
            try:
                pushed = self._push_due()
            except (sqlite3.Error, OSError) as error:
                log.warning("the stand-in could not push", error=str(error))
                pushed = False
            if not pushed:
                self.store.changed.wait(BACK_OFF_SECONDS[0] if self._refused else 1.0)

    def _push_due(self) -> bool:
        """Push the newest waiting notification of each mailbox; return whether any was acknowledged."""
        endpoint = self.endpoint
        if not endpoint:
            return False
        with self.store.reading() as db:
            query = "SELECT *, max(id) FROM notification WHERE is_pushed = 0 GROUP BY account ORDER BY max(id)"
            rows = db.execute(query).fetchall()
        pushed = False
        for row in rows:
            tries, not_before = self._refused.get(row["account"], (0, 0.0))
            if time.monotonic() < not_before or self._stopping.is_set():
                continue
            too_old = time.time() - row["published_at"] / 1000 > GIVE_UP_SECONDS
            if too_old or self._post(endpoint, row):
                self._refused.pop(row["account"], None)
                self._acknowledge(row)
                pushed = True
            else:
                pause = BACK_OFF_SECONDS[min(tries, len(BACK_OFF_SECONDS) - 1)]
                self._refused[row["account"]] = (tries + 1, time.monotonic() + pause)
        return pushed

    def _acknowledge(self, row: sqlite3.Row) -> None:
        with self.store.writing() as db:
            query = "UPDATE notification SET is_pushed = 1 WHERE is_pushed = 0 AND account = ? AND id <= ?"
            db.execute(query, (row["account"], row["id"]))

    def _post(self, endpoint: str, row: sqlite3.Row) -> bool:
        body = {"message": make_message(row), "subscription": SUBSCRIPTION}
        headers = {"Authorization": f"Bearer {self._make_token()}", "User-Agent": "CloudPubSub-Google"}
        try:
            answer = self._session.post(
                endpoint, json=body, headers=headers, timeout=PUSH_TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException:
            return False
        return answer.status_code in (102, 200, 201, 202, 204)

    def _make_token(self) -> str:
        with self.store.reading() as db:
            return keys.sign(
                db,
                {
                    "aud": self.audience,
                    "azp": "112233445566778899001",
                    "email": self.service_account,
                    "email_verified": True,
                    "sub": "112233445566778899001",
                },
                TOKEN_SECONDS,
            )


def init_app(app: Flask) -> None:
    """Start the push thread of `app`."""
    pusher = Pusher(app.extensions["stand_in_store"], app.config["SETTINGS"])
    app.extensions["stand_in_pusher"] = pusher
    pusher.start()
