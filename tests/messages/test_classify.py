"""Bounce, automatic reply, reply: told apart on mail as real servers write it, and on mail that breaks parsers."""

from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import Unreadable
from server.messages.classify import Inbound, classify
from server.messages.models import InboundKind

MAIL = Path(__file__).parent / "mail"
OURS = "<CAWarm0001@mail.gmail.com>"
BOUNCE, AUTO, REPLY = InboundKind.BOUNCE, InboundKind.AUTO_REPLY, InboundKind.REPLY


def read(name: str) -> Inbound:
    return classify((MAIL / f"{name}.eml").read_bytes())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("reply", REPLY),
        ("reply_from_other_address", REPLY),
        ("reply_from_outlook", REPLY),
        ("reply_to_an_absence_note", REPLY),
        ("spoofed_name", REPLY),
        ("broken_headers", REPLY),
        ("default_policy_raises", REPLY),
        ("gmail_vacation", AUTO),
        ("outlook_out_of_office", AUTO),
        ("absence_without_headers", AUTO),
        ("helpdesk_ticket", AUTO),
        ("list_mail", AUTO),
        ("read_receipt", AUTO),
        ("gmail_dsn", BOUNCE),
        ("exchange_ndr", BOUNCE),
        ("postfix_headers_only", BOUNCE),
        ("qmail_bounce", BOUNCE),
        ("broken_report", BOUNCE),
        ("report_without_address", BOUNCE),
        ("gmail_delay", None),
    ],
)
def test_mail_is_told_apart_and_names_what_it_answers(name: str, kind: InboundKind | None) -> None:
    inbound = read(name)
    assert inbound.kind == kind
    assert OURS in inbound.references


@pytest.mark.parametrize(
    ("name", "failures"),
    [
        ("gmail_dsn", [("flynn@flynnsarcade.example", "5.1.1", False)]),
        ("exchange_ndr", [("alan@encom.example", "5.2.2", True), ("lora@encom.example", "5.7.1", True)]),
        ("postfix_headers_only", [("alan@encom.example", "4.4.1", True)]),
        ("qmail_bounce", [("alan@encom.example", "5.1.1", False)]),
        ("broken_report", []),
        ("report_without_address", [("", "5.0.0", False)]),
    ],
)
def test_a_bounce_says_who_and_why(name: str, failures: list[tuple[str, str, bool]]) -> None:
    assert [(one.address, one.status, one.is_soft) for one in read(name).failures] == failures


def test_the_diagnostic_is_kept_in_one_line() -> None:
    assert "\n" not in read("gmail_dsn").failures[0].diagnostic
    assert read("gmail_dsn").failures[0].diagnostic.startswith("smtp; 550-5.1.1 The email account")


@pytest.mark.parametrize(
    ("name", "address", "shown"),
    [
        ("reply", "flynn@flynnsarcade.example", "Kevin Flynn"),
        ("reply_from_other_address", "kevinf@flynnsarcade.example", "Flynn, Kevin"),
        ("spoofed_name", "stranger@elsewhere.example", "alice@acme.example <flynn@flynnsarcade.example>"),
        ("broken_headers", "flynn@flynnsarcade.example", ""),
    ],
)
def test_the_sender_is_the_address_outside_the_quoted_name(name: str, address: str, shown: str) -> None:
    sender = read(name).sender
    assert sender is not None
    assert (sender.address, sender.name) == (address, shown)


def test_the_nearest_reference_comes_first() -> None:
    assert list(dict.fromkeys(read("reply_from_other_address").references)) == [
        "<something-else@flynnsarcade.example>",
        OURS,
        "<first@acme.example>",
    ]


def test_subjects_are_readable() -> None:
    assert read("reply_from_other_address").subject == "Re: Lunch on Thursday? – d'accord"
    assert read("absence_without_headers").subject.startswith("Réponse automatique")
    assert read("broken_headers").subject.startswith("Re: Café")


def test_the_corpus_holds_mail_on_which_the_default_policy_raises() -> None:
    raw = (MAIL / "default_policy_raises.eml").read_bytes()
    with pytest.raises(IndexError):
        list(message_from_bytes(raw, policy=policy.default).values())


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Auto-Submitted: no", REPLY),
        ("Auto-Submitted: auto-replied (vacation)", AUTO),
        ("Auto-Submitted: auto-generated; owner-email=x", AUTO),
        ("Precedence: Bulk", AUTO),
        ("Precedence: first-class", REPLY),
        ("X-Precedence: auto_reply", AUTO),
        ("X-Autorespond: yes", AUTO),
        ("X-Auto-Response-Suppress: None", REPLY),
        ("X-Auto-Response-Suppress: DR, RN", REPLY),
        ("X-Auto-Response-Suppress: oof, autoreply", AUTO),
        ("List-Unsubscribe: <https://x.example>", AUTO),
        ("Return-Path: < >", AUTO),
        ("Subject: Out of Office: lunch", AUTO),
        ("Subject: Automatic door reply", REPLY),
        ("X-Spam: yes", REPLY),
    ],
)
def test_automatic_mail_is_known_by_its_headers(header: str, kind: InboundKind) -> None:
    assert classify(f"From: a@x.example\r\n{header}\r\n\r\nHi".encode()).kind == kind


def test_structure_too_deep_is_set_aside_with_its_reason() -> None:
    deep = "".join(f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(3000))
    raw = b"From: mailer-daemon@x.example\nSubject: failure\n" + deep.encode()
    try:
        inbound = classify(raw)
    except Unreadable as unreadable:
        assert "cannot be parsed" in unreadable.reason
    else:
        assert inbound.kind == BOUNCE


@given(st.binary(max_size=400), st.sampled_from(sorted(path.name for path in MAIL.glob("*.eml"))), st.integers(0, 3000))
@settings(max_examples=300, deadline=None)
def test_no_mail_raises_anything_but_unreadable(junk: bytes, name: str, cut: int) -> None:
    raw = (MAIL / name).read_bytes()
    for mail in (junk, raw[:cut] + junk + raw[cut:], raw[:cut]):
        try:
            assert classify(mail).kind in (None, *InboundKind)
        except Unreadable as unreadable:
            assert unreadable.reason
