"""The watch, the clockwork that keeps mailboxes going, and the pull worker."""

from datetime import timedelta

import pytest
import requests
import time_machine
from flask import Flask
from pytest_httpserver import HTTPServer
from sqlmodel import Session, select

from server import jobs, recurring
from server.clock import now
from server.config import Settings
from server.gmail import client, pull, schedule
from server.gmail.errors import GmailFailure
from server.gmail.models import Mailbox, MailboxState, PubsubNotification
from server.queue import get_wakeups, wake_key
from tests.stand_in import DEMO, FLYNN, StandIn, wait_until


def change(session: Session, mailbox: Mailbox, **values: object) -> None:
    for name, value in values.items():
        setattr(mailbox, name, value)
    session.add(mailbox)
    session.commit()


def reload(session: Session, mailbox: Mailbox) -> Mailbox:
    session.refresh(mailbox)
    session.commit()
    return mailbox


def test_watch_is_started_for_a_week(session: Session, mailbox: Mailbox) -> None:
    jobs.renew_watch(mailbox.id)
    expires_at = reload(session, mailbox).watch_expires_at
    assert expires_at is not None and expires_at > now() + timedelta(days=6)
    assert schedule.find_due_watches(session) == []


def test_refused_watch_is_noted_with_what_to_check(
    session: Session, settings: Settings, mailbox: Mailbox, stand_in: StandIn
) -> None:
    settings.pubsub_topic = "not a topic"
    jobs.renew_watch(mailbox.id)
    assert "gmail-api-push@system.gserviceaccount.com may publish" in reload(session, mailbox).watch_error


def test_watch_that_fails_for_now_is_tried_again_an_hour_later(
    session: Session, mailbox: Mailbox, stand_in: StandIn
) -> None:
    stand_in.script({"match": "POST .*/watch", "fault": "503"})
    jobs.renew_watch(mailbox.id)
    assert "503" in reload(session, mailbox).watch_error
    assert schedule.find_due_watches(session) == []
    change(session, mailbox, watched_at=now() - timedelta(minutes=61))
    assert schedule.find_due_watches(session) == [mailbox.id]


def test_watch_without_access_revokes_the_mailbox(session: Session, mailbox: Mailbox, stand_in: StandIn) -> None:
    stand_in.steer("POST", "expire", {"email": DEMO, "what": "refresh_tokens"})
    client.access_tokens.forget()
    jobs.renew_watch(mailbox.id)
    assert reload(session, mailbox).state == MailboxState.REVOKED


@pytest.mark.parametrize(
    ("watched", "expires", "is_due"),
    [(None, None, True), (23, 6 * 24, False), (25, 6 * 24, True), (2, 47, True), (0.5, 47, False), (2, None, True)],
)
def test_watch_is_due_daily_and_before_it_ends(
    session: Session, mailbox: Mailbox, watched: float | None, expires: float | None, is_due: bool
) -> None:
    change(
        session,
        mailbox,
        watched_at=now() - timedelta(hours=watched) if watched else None,
        watch_expires_at=now() + timedelta(hours=expires) if expires else None,
    )
    assert bool(schedule.find_due_watches(session)) is is_due


def test_polling_installation_watches_nothing(session: Session, settings: Settings, mailbox: Mailbox) -> None:
    settings.gmail_notifications = "poll"
    assert schedule.find_due_watches(session) == []
    session.commit()
    jobs.renew_watch(mailbox.id)
    assert reload(session, mailbox).watched_at is None


@pytest.mark.parametrize(("mode", "seconds"), [("poll", 60), ("push", 300), ("pull", 300)])
def test_mailbox_nobody_looked_into_is_polled(
    session: Session, settings: Settings, mailbox: Mailbox, mode: str, seconds: int
) -> None:
    settings.gmail_notifications = mode  # type: ignore[assignment]
    with time_machine.travel(now(), tick=False):
        change(session, mailbox, last_sync_at=now() - timedelta(seconds=seconds - 5))
        assert schedule.find_due_polls(session) == []
    change(session, mailbox, last_sync_at=now() - timedelta(seconds=seconds + 1))
    assert schedule.find_due_polls(session) == [mailbox.id]
    session.commit()
    recurring.want_due_polls()
    assert reload(session, mailbox).sync_wanted_at is not None


def test_due_sync_is_woken_though_every_wake_up_was_lost(session: Session, mailbox: Mailbox) -> None:
    change(session, mailbox, sync_wanted_at=now())
    get_wakeups().redis.flushall()
    recurring.wake_due_syncs()
    assert get_wakeups().redis.exists(wake_key("sync_mailbox", mailbox.id or 0))


@pytest.mark.parametrize(
    ("wanted", "leased", "state"),
    [
        (1, None, MailboxState.LINKED), (0, None, MailboxState.REVOKED), (0, 1, MailboxState.LINKED),
        (None, None, MailboxState.LINKED),
    ],
)  # fmt: skip
def test_sync_is_not_woken_before_it_is_due(
    session: Session, mailbox: Mailbox, wanted: int | None, leased: int | None, state: MailboxState
) -> None:
    """It is wanted, and its lease ends, so many hours from now."""
    wanted_at, lease_until = (None if hours is None else now() + timedelta(hours=hours) for hours in (wanted, leased))
    change(session, mailbox, sync_wanted_at=wanted_at, lease_until=lease_until, state=state)
    assert schedule.find_due_syncs(session) == []


def test_pushes_that_cannot_come_again_are_forgotten(session: Session) -> None:
    session.add(PubsubNotification(pubsub_message_id="old", received_at=now() - timedelta(days=40)))
    session.add(PubsubNotification(pubsub_message_id="new"))
    session.commit()
    recurring.delete_old_notifications()
    assert session.exec(select(PubsubNotification.pubsub_message_id)).all() == ["new"]


def test_pulled_notification_is_recorded_and_acknowledged(
    app: Flask, session: Session, settings: Settings, mailbox: Mailbox, stand_in: StandIn
) -> None:
    settings.pubsub_subscription = "projects/warmline/subscriptions/gmail"
    jobs.renew_watch(mailbox.id)
    stand_in.send(FLYNN, DEMO, "news")
    with pull.make_http(settings) as http:
        assert wait_until(lambda: pull.pull_once(http, settings), "a notification to pull")
        assert reload(session, mailbox).sync_wanted_at is not None
        assert pull.pull_once(http, settings) == 0


def test_pull_acknowledges_what_nothing_can_cure(
    app: Flask, session: Session, settings: Settings, httpserver: HTTPServer
) -> None:
    settings.pubsub_api_endpoint = httpserver.url_for("").rstrip("/")
    settings.pubsub_subscription = "projects/p/subscriptions/s"
    received = [{"ackId": "a1", "message": {"data": "!", "messageId": "m1"}}, {"ackId": "a2", "message": {}}]
    path = "/v1/projects/p/subscriptions/s"
    httpserver.expect_request(f"{path}:pull").respond_with_json({"receivedMessages": received})
    httpserver.expect_request(f"{path}:acknowledge", json={"ackIds": ["a1", "a2"]}).respond_with_json({})
    with requests.Session() as http:
        assert pull.pull_once(http, settings) == 2
    assert [request.path for request, _ in httpserver.log] == [f"{path}:pull", f"{path}:acknowledge"]


def test_pull_from_a_subscription_that_fails_says_so(app: Flask, settings: Settings, httpserver: HTTPServer) -> None:
    settings.pubsub_api_endpoint = httpserver.url_for("").rstrip("/")
    settings.pubsub_subscription = "projects/p/subscriptions/s"
    httpserver.expect_request("/v1/projects/p/subscriptions/s:pull").respond_with_data("no", status=403)
    with requests.Session() as http, pytest.raises(GmailFailure, match="403"):
        pull.pull_once(http, settings)


def test_stand_in_pushes_through_the_real_endpoint(
    app: Flask, session: Session, settings: Settings, mailbox: Mailbox, stand_in: StandIn, httpserver: HTTPServer
) -> None:
    """The stand-in signs with its own key; what it sends is replayed on the real view."""
    httpserver.expect_request("/gmail/push").respond_with_data("", status=204)
    audience = settings.pubsub_audience
    push = {"endpoint": httpserver.url_for("/gmail/push"), "audience": audience,
            "service_account": settings.pubsub_service_account}  # fmt: skip
    stand_in.steer("PUT", "push", push)
    jobs.renew_watch(mailbox.id)
    wait_until(lambda: len(httpserver.log) == 1, "the push with which a watch begins")
    stand_in.send(FLYNN, DEMO, "news")
    wait_until(lambda: len(httpserver.log) == 2, "a push")  # and none is under way into the next test
    request = httpserver.log[1][0]
    answer = app.test_client().post(
        "/gmail/push", data=request.data, headers={"Authorization": request.headers["Authorization"]}
    )
    assert answer.status_code == 204
    assert reload(session, mailbox).sync_wanted_at is not None
