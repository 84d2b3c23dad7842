"""Why mail did not arrive: hard, soft or ignored, by code and by words; and complaints."""

from pathlib import Path

import pytest

from server.messages.classify import classify
from server.messages.complaints import Complaint, read_complaint
from server.messages.failures import find_cause
from server.messages.headers import parse_mail
from server.messages.models import InboundKind

COMPLAINT = (Path(__file__).parent / "mail" / "complaint.eml").read_bytes()


@pytest.mark.parametrize(
    ("status", "diagnostic", "wanted"),
    [
        ("5.1.1", "", ("unknown_mailbox", "hard")),
        ("5.1.2", "", ("unknown_domain", "hard")),
        ("5.1.10", "550 5.1.10 null MX", ("no_mail_domain", "hard")),
        ("5.2.1", "The email account is disabled", ("mailbox_disabled", "hard")),
        ("5.2.2", "mailbox full", ("mailbox_full", "soft")),
        ("4.2.2", "", ("mailbox_full", "soft")),
        ("4.4.1", "connection timed out", ("no_answer", "soft")),
        ("4.1.1", "try later", ("unknown_mailbox", "soft")),
        ("5.3.4", "", ("too_large", "ignored")),
        ("5.4.4", "", ("unroutable", "hard")),
        ("5.4.6", "", ("loop", "ignored")),
        ("5.5.2", "", ("technical", "ignored")),
        ("5.6.1", "", ("content_refused", "ignored")),
        ("5.7.1", "550-5.7.1 this message has been blocked because it looks like spam", ("policy", "soft")),
        ("5.7.1", "550 5.7.1 user unknown", ("unknown_mailbox", "hard")),
        ("5.7.1", "", ("policy", "soft")),
        ("5.7.26", "unauthenticated", ("policy", "soft")),
        ("5.0.0", "smtp; 550 No such user here", ("unknown_mailbox", "hard")),
        ("5.0.0", "", ("unspecified", "hard")),
        ("", "552 Quota violation for flynn", ("mailbox_full", "soft")),
        ("", "Sorry, no mailbox here by that name.", ("unknown_mailbox", "hard")),
        ("", "This account has been disabled or discontinued", ("mailbox_disabled", "hard")),
        ("", "Host or domain name not found", ("unknown_domain", "hard")),
        ("", "450 greylisted, try again later", ("no_answer", "soft")),
        ("", "421 whatever", ("temporary", "soft")),
        ("", "", ("unspecified", "hard")),
        ("5.99.99", "", ("unspecified", "hard")),
    ],
)
def test_a_failure_has_a_named_reason_and_a_category(status: str, diagnostic: str, wanted: tuple[str, str]) -> None:
    cause = find_cause(status, diagnostic)
    assert (cause.code, cause.category) == wanted


def test_a_complaint_names_whose_it_is_and_what_it_is_about() -> None:
    inbound = classify(COMPLAINT)
    assert (inbound.kind, inbound.complaint) == (InboundKind.COMPLAINT, "abuse")
    assert inbound.complainer == "flynn@flynnsarcade.example"
    assert "<CAWarm0001@mail.gmail.com>" in inbound.references


def test_taking_a_mail_out_of_the_spam_folder_is_no_complaint() -> None:
    assert classify(COMPLAINT.replace(b"Feedback-Type: abuse", b"Feedback-Type: not-spam")).kind is None


def test_a_complaint_may_keep_back_whose_it_is() -> None:
    kept_back = COMPLAINT.replace(b"Original-Rcpt-To: <flynn@flynnsarcade.example>\n", b"")
    assert read_complaint(parse_mail(kept_back)) == Complaint("abuse", "")
    assert read_complaint(parse_mail(b"Subject: Hello\n\nNothing")) is None


def test_a_persons_mail_about_a_bounce_is_no_bounce() -> None:
    mail = b"From: Flynn <flynn@x.example>\nSubject: Delivery failure yesterday\nMessage-ID: <1@x>\n\nDid you get it?\n"
    assert classify(mail).kind == InboundKind.REPLY


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Lunch",
        "Réponse automatique : Lunch",
        "Abwesenheit: Lunch",
        "Fuera de la oficina",
        "自動応答: Lunch",
    ],
)
def test_subjects_of_absence_notes_are_known_in_several_languages(subject: str) -> None:
    mail = f"From: Flynn <flynn@x.example>\nSubject: {subject}\nMessage-ID: <1@x>\n\nAway\n".encode()
    assert classify(mail).kind == InboundKind.AUTO_REPLY
    answer = f"From: Flynn <flynn@x.example>\nSubject: Re: {subject}\nMessage-ID: <1@x>\n\nFine\n".encode()
    assert classify(answer).kind == InboundKind.REPLY
