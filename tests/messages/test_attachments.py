"""Files that go with a mail arrive byte for byte, are asked for once, and nothing ever comes of them."""

import io
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from server import jobs, recurring
from server.accounts.models import Member
from server.clock import now
from server.config import Settings
from server.errors import Refused
from server.events.models import Event
from server.gmail.client import INLINE_BYTES, Gmail
from server.gmail.models import Mailbox
from server.messages.attachments import files as attachments
from server.messages.attachments.models import Attachment
from server.messages.compose import Draft, compose
from server.messages.models import Copy, CopyState, Message
from tests.factories import make_mailbox, make_member
from tests.sign_in import sign_in
from tests.stand_in import ALAN, FLYNN, StandIn


def keep(session: Session, member: Member, content: bytes, name: str = "offer.pdf") -> Attachment:
    return attachments.keep(session, member, io.BytesIO(content), name)


def send(session: Session, member: Member, mailbox: Mailbox, *files: Attachment, to: str = FLYNN) -> Copy:
    draft = Draft(to=[to], subject="Offer", html="<p>Here</p>", attachments=[file.id for file in files])
    message = compose(session, member, mailbox, draft)
    session.commit()
    copy = session.exec(select(Copy).where(Copy.message_id == message.id)).one()
    session.commit()
    jobs.send_copy(copy.id)
    session.refresh(copy)
    session.commit()
    return copy


def read_files(linked: Mailbox, copy: Copy) -> list[tuple[str | None, str, bytes]]:
    with Gmail.open(linked) as gmail:
        mail = message_from_bytes(gmail.get_raw(copy.gmail_id or "").raw, policy=policy.default)
    return [
        (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
        for part in mail.iter_attachments()
    ]


def test_files_arrive_byte_for_byte_beside_the_tracked_text(
    session: Session, google: StandIn, member: Member, linked: Mailbox
) -> None:
    content = bytes(range(256)) * 20
    pdf, odd = keep(session, member, content), keep(session, member, b"\r\n.\r\n", 'Räder "neu"\r\n.x\' y')
    copy = send(session, member, linked, pdf, odd)
    assert copy.state == CopyState.SENT
    first, second = read_files(linked, copy)
    assert first == ("offer.pdf", "application/pdf", content)
    assert second == ('Räder "neu".x\' y', "application/octet-stream", b"\r\n.\r\n")
    assert session.exec(select(Event)).all() == []


def test_a_large_file_goes_up_as_an_upload(session: Session, google: StandIn, member: Member, linked: Mailbox) -> None:
    content = bytes(INLINE_BYTES + 1)
    copy = send(session, member, linked, keep(session, member, content))
    assert [len(file[2]) for file in read_files(linked, copy)] == [len(content)]


def test_each_copy_has_the_files(session: Session, google: StandIn, member: Member, linked: Mailbox) -> None:
    file = keep(session, member, b"same")
    draft = Draft(to=[FLYNN, ALAN], subject="Offer", html="<p>x</p>", individually=True, attachments=[file.id])
    compose(session, member, linked, draft)
    session.commit()
    for copy_id in session.exec(select(Copy.id)).all():
        session.commit()
        jobs.send_copy(copy_id)
    copies = session.exec(select(Copy)).all()
    assert [read_files(linked, copy)[0][2] for copy in copies] == [b"same", b"same"]


def test_a_file_that_is_gone_stops_the_mail_and_says_so(
    session: Session, google: StandIn, member: Member, linked: Mailbox, settings: Settings
) -> None:
    file = keep(session, member, b"x")
    attachments.path_of(settings, file).unlink()
    copy = send(session, member, linked, file)
    assert copy.state == CopyState.FAILED
    assert "offer.pdf is gone" in copy.failure


def test_more_than_gmail_takes_is_refused(session: Session, member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "MOST_BYTES", 1000)
    with pytest.raises(Refused):
        keep(session, member, bytes(1001))
    with pytest.raises(Refused):
        attachments.check([keep(session, member, bytes(600)), keep(session, member, bytes(600))])


def test_nobody_attaches_the_file_of_another(session: Session, member: Member) -> None:
    theirs = keep(session, make_member(session, "Mallory"), b"x")
    assert attachments.find_own(session, member, [theirs.id]) == []


def test_a_form_shown_again_still_has_its_files(client: FlaskClient, session: Session, member: Member) -> None:
    make_mailbox(session, member)
    sign_in(client, member)
    form = {"key": "k1", "to": "nobody", "subject": "Offer", "html": "<p>Hi</p>"}
    again = client.post("/messages", data={**form, "files": (io.BytesIO(b"pdf"), "offer.pdf")})
    assert again.status_code == 422
    [file] = session.exec(select(Attachment)).all()
    session.commit()
    assert f'name="attachments" value="{file.id}" checked' in again.text
    data = {**form, "to": FLYNN, "attachments": str(file.id)}
    first, second = client.post("/messages", data=data), client.post("/messages", data=data)
    assert (first.status_code, first.location) == (303, second.location)
    message = session.exec(select(Message)).one()
    session.refresh(file)
    assert file.message_id == message.id
    assert "offer.pdf" in client.get(first.location).text


def test_files_that_no_mail_took_are_deleted(session: Session, member: Member, settings: Settings) -> None:
    old, new = keep(session, member, b"x"), keep(session, member, b"y")
    old.created_at = now() - timedelta(days=2)
    session.commit()
    recurring.sweep_attachments()
    assert [attachments.path_of(settings, file).exists() for file in (old, new)] == [False, True]
    swept = select(Attachment.id).where(col(Attachment.swept_at).is_not(None))
    assert session.exec(swept).all() == [old.id]
