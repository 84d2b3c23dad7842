"""What becomes of a mail: delivered, bounced, or gone into the world outside."""

import email

import pytest

from tests.stand_in import ALAN, DEMO, FLYNN, StandIn


@pytest.mark.parametrize("address", ["bounce@anywhere.example", "nobody@encom.com", "bounce.old@blueharbor.example"])
def test_unknown_address_bounces_into_the_senders_thread(stand_in: StandIn, address: str) -> None:
    sent = stand_in.send(DEMO, address, "Hello")
    (notice,) = stand_in.list_inbox(DEMO)
    (own,) = stand_in.list_inbox(DEMO, "in:sent")
    assert notice["threadId"] == sent["threadId"]
    headers = notice["headers"]
    assert headers["from"] == "Mail Delivery Subsystem <mailer-daemon@googlemail.com>"
    assert headers["auto-submitted"] == "auto-replied"
    assert headers["content-type"].startswith("multipart/report")
    assert "report-type=delivery-status" in headers["content-type"]
    assert headers["in-reply-to"] == headers["references"] == own["headers"]["message-id"]
    assert [part["mimeType"] for part in notice["payload"]["parts"]] == [
        "multipart/alternative",
        "message/delivery-status",
        "message/rfc822",
    ]


def test_bounce_is_read_by_the_standard_library(stand_in: StandIn) -> None:
    stand_in.send(DEMO, "bounce@anywhere.example", "Grüße", X_Warmline_Copy="abc")
    users = stand_in.gmail(DEMO).messages()
    (found,) = users.list(userId="me", q="in:inbox").execute()["messages"]
    raw = users.get(userId="me", id=found["id"], format="raw").execute()["raw"]
    import base64

    message = email.message_from_bytes(base64.urlsafe_b64decode(raw))
    status = message.get_payload(1).get_payload(1)  # type: ignore[union-attr]
    assert status["Final-Recipient"] == "rfc822; bounce@anywhere.example"
    assert status["Status"] == "5.1.1"
    original = message.get_payload(2).get_payload(0)  # type: ignore[union-attr]
    assert original["X-Warmline-Copy"] == "abc"


def test_good_recipient_gets_the_mail_although_another_bounces(stand_in: StandIn) -> None:
    stand_in.send(DEMO, f"{FLYNN}, nobody@encom.com")
    assert len(stand_in.list_inbox(FLYNN)) == 1
    assert len(stand_in.list_inbox(DEMO)) == 1


def test_mail_to_other_domains_is_accepted_silently(stand_in: StandIn) -> None:
    stand_in.send(DEMO, "somebody@elsewhere.example")
    assert stand_in.list_inbox(DEMO) == []
    assert stand_in.steer("GET", "accepted")["total"] == 1


def test_address_with_tag_and_capitals_reaches_its_account(stand_in: StandIn) -> None:
    stand_in.send(DEMO, "Flynn+Orders@FlynnsArcade.com")
    assert len(stand_in.list_inbox(FLYNN)) == 1


def test_comma_in_an_encoded_name_does_not_make_two_recipients(stand_in: StandIn) -> None:
    stand_in.send(DEMO, '"Brädley, Alan" <alan@encom.com>')
    assert len(stand_in.list_inbox(ALAN)) == 1
    assert stand_in.list_inbox(DEMO) == []


def test_mail_to_oneself_is_one_message_in_both_places(stand_in: StandIn) -> None:
    sent = stand_in.send(DEMO, DEMO)
    assert {"SENT", "INBOX", "UNREAD"} <= set(sent["labelIds"])
    assert len(stand_in.list_inbox(DEMO, "")) == 1


def test_new_account_gets_mail(stand_in: StandIn) -> None:
    stand_in.add_account("clu@encom.com", "Clu")
    stand_in.send(DEMO, "clu@encom.com")
    assert len(stand_in.list_inbox("clu@encom.com")) == 1
