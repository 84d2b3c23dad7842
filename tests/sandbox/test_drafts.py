"""Gmail's users.drafts, threads and uploads as google-api-python-client sees them."""

import base64
import io

import pytest
import requests
from googleapiclient.errors import HttpError
from googleapiclient.http import BatchHttpRequest, MediaIoBaseUpload

from tests.stand_in import DEMO, FLYNN, StandIn, make_raw


def test_sent_draft_is_gone_and_its_mail_has_a_new_id_in_the_same_thread(stand_in: StandIn) -> None:
    drafts = stand_in.gmail(DEMO).drafts()
    draft = drafts.create(userId="me", body={"message": {"raw": make_raw(FLYNN, "Quote")}}).execute()
    assert draft["message"]["labelIds"] == ["DRAFT"]
    shown = drafts.get(userId="me", id=draft["id"], format="metadata").execute()
    assert shown["message"]["id"] == draft["message"]["id"]
    sent = drafts.send(userId="me", body={"id": draft["id"]}).execute()
    assert sent["threadId"] == draft["message"]["threadId"]
    assert sent["id"] != draft["message"]["id"]
    assert sent["labelIds"] == ["SENT"]
    for call in (drafts.get(userId="me", id=draft["id"]), drafts.send(userId="me", body={"id": draft["id"]})):
        with pytest.raises(HttpError) as error:
            call.execute()
        assert error.value.resp.status == 404
    assert len(stand_in.list_inbox(FLYNN)) == 1


def test_draft_of_another_account_is_not_found(stand_in: StandIn) -> None:
    body = {"message": {"raw": make_raw(FLYNN, "Mine")}}
    draft = stand_in.gmail(DEMO).drafts().create(userId="me", body=body).execute()
    with pytest.raises(HttpError) as error:
        stand_in.gmail(FLYNN).drafts().get(userId="me", id=draft["id"]).execute()
    assert error.value.resp.status == 404


def test_draft_without_recipient_is_kept_and_not_sent(stand_in: StandIn) -> None:
    drafts = stand_in.gmail(DEMO).drafts()
    raw = base64.urlsafe_b64encode(b"Subject: Later\r\n\r\nHi").decode()
    draft = drafts.create(userId="me", body={"message": {"raw": raw}}).execute()
    with pytest.raises(HttpError) as error:
        drafts.send(userId="me", body={"id": draft["id"]}).execute()
    assert error.value.resp.status == 400
    assert drafts.list(userId="me").execute()["drafts"][0]["id"] == draft["id"]
    drafts.delete(userId="me", id=draft["id"]).execute()
    assert "drafts" not in drafts.list(userId="me").execute()


def test_updated_draft_keeps_its_id_and_thread(stand_in: StandIn) -> None:
    drafts = stand_in.gmail(DEMO).drafts()
    draft = drafts.create(userId="me", body={"message": {"raw": make_raw(FLYNN, "One")}}).execute()
    body = {"message": {"raw": make_raw(FLYNN, "Two")}}
    updated = drafts.update(userId="me", id=draft["id"], body=body).execute()
    assert updated["message"]["threadId"] == draft["message"]["threadId"]
    drafts.send(userId="me", body={"id": draft["id"]}).execute()
    assert [mail["headers"]["subject"] for mail in stand_in.list_inbox(FLYNN)] == ["Two"]


@pytest.mark.parametrize("resumable", [False, True])
@pytest.mark.parametrize("thread", [False, True])
def test_media_upload_sends_the_same_mail(stand_in: StandIn, resumable: bool, thread: bool) -> None:
    raw = base64.urlsafe_b64decode(make_raw(FLYNN, "Uploaded", html="<p>Hello</p>"))
    media = MediaIoBaseUpload(io.BytesIO(raw), "message/rfc822", resumable=resumable)
    body = {"labelIds": []} if thread else None
    request = stand_in.gmail(DEMO).messages().send(userId="me", body=body, media_body=media)
    request.uri = request.uri.replace("https:", "http:")  # the client insists on TLS for uploads
    assert request.execute()["labelIds"] == ["SENT"]
    (mail,) = stand_in.list_inbox(FLYNN)
    assert mail["headers"]["subject"] == "Uploaded"
    assert base64.urlsafe_b64decode(mail["payload"]["parts"][1]["body"]["data"]).strip() == b"<p>Hello</p>"


def test_resumable_upload_arrives_in_chunks(stand_in: StandIn) -> None:
    raw = base64.urlsafe_b64decode(make_raw(FLYNN, "Large", "x" * 76 + "\n") + "") + b"line of text\r\n" * 50_000
    media = MediaIoBaseUpload(io.BytesIO(raw), "message/rfc822", chunksize=256 * 1024, resumable=True)
    request = stand_in.gmail(DEMO).messages().send(userId="me", media_body=media)
    request.uri = request.uri.replace("https:", "http:")
    steps, answer = 0, None
    while answer is None:
        _status, answer = request.next_chunk()
        steps += 1
    assert steps == 3
    assert stand_in.list_inbox(FLYNN)[0]["sizeEstimate"] > len(raw)


def test_mail_over_the_limit_is_refused(stand_in: StandIn) -> None:
    raw = b"To: flynn@flynnsarcade.com\r\n\r\n" + b"x" * (35 * 2**20)
    address = f"{stand_in.url}/upload/gmail/v1/users/me/messages/send?uploadType=media"
    headers = {"Authorization": f"Bearer {stand_in.tokens[DEMO]}", "Content-Type": "message/rfc822"}
    answer = requests.post(address, data=raw, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (413, "uploadTooLarge")


def test_thread_is_listed_modified_and_trashed_as_one(stand_in: StandIn) -> None:
    sent = stand_in.send(DEMO, FLYNN, "Lunch?")
    stand_in.send(DEMO, FLYNN, "Other")
    threads = stand_in.gmail(DEMO).threads()
    assert len(threads.list(userId="me").execute()["threads"]) == 2
    (found,) = threads.list(userId="me", q="subject:lunch").execute()["threads"]
    assert found["id"] == sent["threadId"]
    threads.modify(userId="me", id=found["id"], body={"addLabelIds": ["STARRED"]}).execute()
    thread = threads.get(userId="me", id=found["id"], format="minimal").execute()
    assert "STARRED" in thread["messages"][0]["labelIds"]
    threads.trash(userId="me", id=found["id"]).execute()
    assert len(threads.list(userId="me").execute()["threads"]) == 1


def test_batch_answers_each_call_in_its_part(stand_in: StandIn) -> None:
    users = stand_in.gmail(DEMO)
    sent = stand_in.send(DEMO, FLYNN, "Batched")
    answers: dict[str, object] = {}
    batch = BatchHttpRequest(
        callback=lambda name, answer, error: answers.update({name: error or answer["snippet"]}),
        batch_uri=f"{stand_in.url}/batch/gmail/v1",
    )
    batch.add(users.messages().get(userId="me", id=sent["id"], format="minimal"), request_id="there")
    batch.add(users.messages().get(userId="me", id="gone"), request_id="gone")
    batch.execute()
    assert answers["there"] == "Hi"
    assert isinstance(answers["gone"], HttpError)
    assert answers["gone"].resp.status == 404
