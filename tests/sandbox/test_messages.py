"""Gmail's users.messages as google-api-python-client sees them."""

import base64
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from tests.stand_in import ALAN, DEMO, FLYNN, KEVIN, StandIn, make_raw


def headers_of(message: dict[str, Any]) -> dict[str, str]:
    return {one["name"].lower(): one["value"] for one in message["payload"]["headers"]}


def test_sent_mail_reaches_to_cc_and_bcc_but_only_the_sender_sees_bcc(stand_in: StandIn) -> None:
    sent = stand_in.send(DEMO, FLYNN, "Quote", Cc=ALAN, Bcc=KEVIN)
    assert sent["labelIds"] == ["SENT"]
    for account in (FLYNN, ALAN, KEVIN):
        (mail,) = stand_in.list_inbox(account)
        assert mail["labelIds"] == ["CATEGORY_PERSONAL", "INBOX", "UNREAD"]
        assert "bcc" not in mail["headers"]
        assert mail["headers"]["from"] == "Riley Hart <riley@warmline.example>"
    (own,) = stand_in.list_inbox(DEMO, "in:sent")
    assert own["headers"]["bcc"] == KEVIN


def test_message_id_is_replaced_and_own_headers_stay(stand_in: StandIn) -> None:
    stand_in.send(DEMO, FLYNN, Message_ID="<mine@warmline.example>", X_Warmline_Copy="abc")
    (mail,) = stand_in.list_inbox(FLYNN)
    assert mail["headers"]["message-id"].startswith("<CA")
    assert mail["headers"]["message-id"].endswith("@mail.gmail.com>")
    assert mail["headers"]["x-warmline-copy"] == "abc"
    assert stand_in.steer("GET", "accepted?header=X-Warmline-Copy")["counts"] == {"abc": 1}


def test_sender_cannot_be_forged(stand_in: StandIn) -> None:
    stand_in.send(DEMO, FLYNN, From="Alan <alan@encom.com>")
    assert stand_in.list_inbox(FLYNN)[0]["headers"]["from"] == "Alan <riley@warmline.example>"


def test_mail_without_recipients_is_refused(stand_in: StandIn) -> None:
    raw = base64.urlsafe_b64encode(b"Subject: Nobody\r\n\r\nHi").decode()
    with pytest.raises(HttpError) as error:
        stand_in.gmail(DEMO).messages().send(userId="me", body={"raw": raw}).execute()
    assert error.value.resp.status == 400
    assert error.value.reason == "Recipient address required"


def test_answer_lands_in_the_thread_of_both_sides(stand_in: StandIn) -> None:
    sent = stand_in.send(DEMO, FLYNN, "Lunch?")
    (got,) = stand_in.list_inbox(FLYNN)
    reference = got["headers"]["message-id"]
    reply = stand_in.send(
        FLYNN, DEMO, "Re: Lunch?", In_Reply_To=reference, References=reference, threadId=got["threadId"]
    )
    assert reply["threadId"] == got["threadId"]
    thread = stand_in.gmail(DEMO).threads().get(userId="me", id=sent["threadId"]).execute()
    assert [sorted(message["labelIds"])[-1] for message in thread["messages"]] == ["SENT", "UNREAD"]


@pytest.mark.parametrize(("subject", "reference"), [("Re: Dinner?", True), ("Re: Lunch?", False)])
def test_other_subject_or_no_reference_begins_a_thread(stand_in: StandIn, subject: str, reference: bool) -> None:
    stand_in.send(DEMO, FLYNN, "Lunch?")
    (got,) = stand_in.list_inbox(FLYNN)
    more = {"In_Reply_To": got["headers"]["message-id"]} if reference else {}
    reply = stand_in.send(FLYNN, DEMO, subject, threadId=got["threadId"], **more)
    assert reply["threadId"] != got["threadId"]


def test_unknown_thread_is_not_found(stand_in: StandIn) -> None:
    with pytest.raises(HttpError) as error:
        stand_in.send(DEMO, FLYNN, threadId="18c0ffee18c0ffee")
    assert error.value.resp.status == 404


def test_full_format_shows_the_parts_and_raw_gives_the_bytes_back(stand_in: StandIn) -> None:
    stand_in.send(DEMO, FLYNN, "Grüße", "Schön", html="<p>Schön</p>")
    messages = stand_in.gmail(FLYNN).messages()
    (found,) = messages.list(userId="me").execute()["messages"]
    full = messages.get(userId="me", id=found["id"], format="full").execute()
    assert headers_of(full)["subject"] == "Grüße"
    assert [part["mimeType"] for part in full["payload"]["parts"]] == ["text/plain", "text/html"]
    assert [part["partId"] for part in full["payload"]["parts"]] == ["0", "1"]
    data = base64.urlsafe_b64decode(full["payload"]["parts"][1]["body"]["data"])
    assert data.decode().strip() == "<p>Schön</p>"
    raw = base64.urlsafe_b64decode(messages.get(userId="me", id=found["id"], format="raw").execute()["raw"])
    assert raw.startswith(b"Delivered-To: flynn@flynnsarcade.com\r\n")
    minimal = messages.get(userId="me", id=found["id"], format="minimal").execute()
    assert "payload" not in minimal
    assert int(minimal["internalDate"]) > 1_700_000_000_000
    metadata = messages.get(userId="me", id=found["id"], format="metadata", metadataHeaders=["SUBJECT"]).execute()
    assert metadata["payload"]["headers"] == [{"name": "Subject", "value": "Grüße"}]


def test_attachment_is_fetched_by_its_id(stand_in: StandIn) -> None:
    raw = (
        b"To: flynn@flynnsarcade.com\r\nSubject: File\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nSee file\r\n--x\r\n"
        b'Content-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment; filename="a.pdf"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--x--\r\n"
    )
    body = {"raw": base64.urlsafe_b64encode(raw).decode()}
    stand_in.gmail(DEMO).messages().send(userId="me", body=body).execute()
    (mail,) = stand_in.list_inbox(FLYNN, "has:attachment")
    part = mail["payload"]["parts"][1]
    assert (part["filename"], part["body"]["size"]) == ("a.pdf", 4)
    attachments = stand_in.gmail(FLYNN).messages().attachments()
    content = attachments.get(userId="me", messageId=mail["id"], id=part["body"]["attachmentId"]).execute()
    assert base64.urlsafe_b64decode(content["data"]) == b"%PDF"


def test_list_pages_newest_first_without_gap(stand_in: StandIn) -> None:
    for number in range(5):
        stand_in.send(DEMO, FLYNN, f"Mail {number}")
    messages, token, seen = stand_in.gmail(FLYNN).messages(), None, []
    while True:
        page = messages.list(userId="me", maxResults=2, pageToken=token).execute()
        seen += [one["id"] for one in page["messages"]]
        token = page.get("nextPageToken")
        if token is None:
            break
    assert seen == [mail["id"] for mail in stand_in.list_inbox(FLYNN)]
    assert len(set(seen)) == 5


def test_empty_list_has_no_messages_key(stand_in: StandIn) -> None:
    assert stand_in.gmail(FLYNN).messages().list(userId="me").execute() == {"resultSizeEstimate": 0}


def test_labels_trash_and_delete(stand_in: StandIn) -> None:
    stand_in.send(DEMO, FLYNN)
    (mail,) = stand_in.list_inbox(FLYNN)
    messages, labels = stand_in.gmail(FLYNN).messages(), stand_in.gmail(FLYNN).labels()
    label = labels.create(userId="me", body={"name": "Hot leads"}).execute()
    change = {"addLabelIds": [label["id"]], "removeLabelIds": ["UNREAD"]}
    assert label["id"] in messages.modify(userId="me", id=mail["id"], body=change).execute()["labelIds"]
    assert len(stand_in.list_inbox(FLYNN, "label:hot-leads is:read")) == 1
    assert labels.get(userId="me", id=label["id"]).execute()["messagesTotal"] == 1
    messages.trash(userId="me", id=mail["id"]).execute()
    assert stand_in.list_inbox(FLYNN, "") == []
    assert len(stand_in.list_inbox(FLYNN, "in:trash")) == 1
    messages.untrash(userId="me", id=mail["id"]).execute()
    body = {"ids": [mail["id"], "gone"], "addLabelIds": ["STARRED"]}
    messages.batchModify(userId="me", body=body).execute()
    assert len(stand_in.list_inbox(FLYNN, "is:starred")) == 1
    messages.delete(userId="me", id=mail["id"]).execute()
    with pytest.raises(HttpError) as error:
        messages.get(userId="me", id=mail["id"]).execute()
    assert error.value.resp.status == 404
    with pytest.raises(HttpError) as error:
        labels.create(userId="me", body={"name": "hot leads"}).execute()
    assert error.value.resp.status == 409


def test_insert_and_import_deliver_to_nobody(stand_in: StandIn) -> None:
    messages = stand_in.gmail(DEMO).messages()
    raw = make_raw(FLYNN, "Old", Date="Mon, 02 Jan 2023 10:00:00 +0000")
    inserted = messages.insert(
        userId="me", body={"raw": raw, "labelIds": ["INBOX"]}, internalDateSource="dateHeader"
    ).execute()
    assert inserted["labelIds"] == ["INBOX"]
    shown = messages.get(userId="me", id=inserted["id"], format="minimal").execute()
    assert shown["internalDate"] == "1672653600000"
    assert "UNREAD" in messages.import_(userId="me", body={"raw": raw}).execute()["labelIds"]
    assert stand_in.list_inbox(FLYNN) == []


def test_other_users_mailbox_is_forbidden(stand_in: StandIn) -> None:
    with pytest.raises(HttpError) as error:
        stand_in.gmail(DEMO).messages().list(userId=FLYNN).execute()
    assert error.value.resp.status == 403
    assert stand_in.gmail(DEMO).messages().list(userId=DEMO).execute() == {"resultSizeEstimate": 0}


def test_malformed_base64_is_an_invalid_argument(stand_in: StandIn) -> None:
    with pytest.raises(HttpError) as error:
        stand_in.gmail(DEMO).messages().send(userId="me", body={"raw": "a+b/"}).execute()
    assert error.value.error_details[0]["reason"] == "invalidArgument"
