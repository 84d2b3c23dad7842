"""Gmail's search language on a mailbox of four mails."""

from collections.abc import Iterator

import pytest

from tests.stand_in import ALAN, DEMO, FLYNN, StandIn

SUBJECTS = {
    "": "quote invoice lunch",
    "in:inbox": "quote invoice lunch",
    "in:sent": "own",
    "in:anywhere": "quote invoice lunch own trashed",
    "in:trash": "trashed",
    "is:unread": "quote invoice lunch",
    "is:read": "own",
    "from:flynn@flynnsarcade.com": "quote lunch",
    "from:encom.com": "invoice",
    "to:riley -from:flynn in:inbox": "invoice",
    "subject:quote": "quote",
    'subject:"the quote"': "quote",
    "subject:(invoice december)": "invoice",
    "from:(flynn OR alan) in:inbox": "quote invoice lunch",
    "{subject:quote subject:lunch}": "quote lunch",
    "subject:quote OR subject:lunch": "quote lunch",
    "cabinets": "quote",
    '"twelve cabinets"': "quote",
    '"cabinets twelve"': "",
    "-cabinets in:inbox": "invoice lunch",
    "newer_than:1d in:inbox": "quote invoice lunch",
    "older_than:1d": "",
    "after:2020/01/01 before:2099-01-01 in:inbox": "quote invoice lunch",
    "after:4102444800": "",
    "before:1577836800": "",
    "label:inbox": "quote invoice lunch",
    "label:nonsense": "",
    "category:primary": "quote invoice lunch",
    "has:attachment": "",
    "larger:1M": "",
    "smaller:1M subject:lunch": "lunch",
    "rfc822msgid:nobody@nowhere.example": "",
}
NAMES = {
    "quote": "The quote",
    "invoice": "Invoice December",
    "lunch": "Lunch",
    "own": "From me",
    "trashed": "Trashed",
}


@pytest.fixture(scope="module")
def mailbox(stand_in_server: StandIn) -> Iterator[StandIn]:
    """Riley's mailbox, filled once for all queries."""
    server = stand_in_server
    server.reset()
    server.send(FLYNN, DEMO, NAMES["quote"], "for twelve cabinets")
    server.send(ALAN, DEMO, NAMES["invoice"])
    server.send(FLYNN, DEMO, NAMES["lunch"])
    server.send(DEMO, FLYNN, NAMES["own"])
    server.send(ALAN, DEMO, NAMES["trashed"])
    (last,) = server.list_inbox(DEMO, "subject:trashed")
    server.gmail(DEMO).messages().trash(userId="me", id=last["id"]).execute()
    yield server
    server.close()


@pytest.mark.parametrize("query", list(SUBJECTS))
def test_query_finds_what_gmail_would(mailbox: StandIn, query: str) -> None:
    wanted = SUBJECTS[query].split() + (["own"] if query in ("", "older_than:0d") else [])
    found = {mail["headers"]["subject"] for mail in mailbox.list_inbox(DEMO, query)}
    assert found == {NAMES[name] for name in wanted}


def test_message_id_finds_one_mail(mailbox: StandIn) -> None:
    (mail,) = mailbox.list_inbox(DEMO, "subject:lunch")
    message_id = mail["headers"]["message-id"]
    for query in (f"rfc822msgid:{message_id}", f"rfc822msgid:{message_id.strip('<>')}"):
        assert [one["id"] for one in mailbox.list_inbox(DEMO, query)] == [mail["id"]]


@pytest.mark.parametrize(
    "query", ["(", ")", "-", '"', "from:", "OR", "{ }", "a OR", "((a)", "label:' OR 1=1 --", "after:x"]
)
def test_odd_query_is_answered(mailbox: StandIn, query: str) -> None:
    answer = mailbox.gmail(DEMO).messages().list(userId="me", q=query).execute()
    assert "resultSizeEstimate" in answer


def test_label_ids_narrow_the_list(mailbox: StandIn) -> None:
    messages = mailbox.gmail(DEMO).messages()
    assert len(messages.list(userId="me", labelIds=["INBOX", "UNREAD"]).execute()["messages"]) == 3
    assert len(messages.list(userId="me", labelIds=["TRASH"]).execute()["messages"]) == 1
    assert len(messages.list(userId="me", includeSpamTrash=True).execute()["messages"]) == 5
