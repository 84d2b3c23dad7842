"""Where the lab's mail lives: a workspace of its own, so that nothing of it reaches anybody's feed or counts."""

from dataclasses import dataclass

from sqlmodel import Session, select

from server.accounts.members import find_member
from server.accounts.models import Device, Member, Role, Workspace
from server.gmail.models import Mailbox

SENDER = "sender@lab.warmline.example"
COLLEAGUE = "colleague@lab.warmline.example"


@dataclass(frozen=True, slots=True)
class Laboratory:
    """The lab's sender, their mailbox, and the ids of the known devices by whose they are."""

    sender: Member
    mailbox: Mailbox
    devices: dict[str, str]


def ensure_laboratory(session: Session) -> Laboratory:
    """Return the lab, made where it is missing. Nobody can sign in to it, and its mailbox leads to no Gmail."""
    sender = find_member(session, SENDER)
    if sender is None:
        workspace = Workspace(name="Tracking lab", is_demo=True)  # so that it never counts as somebody's set-up
        session.add(workspace)
        session.flush()
        sender = _add_member(session, workspace, SENDER, "Tracking lab", Role.ADMIN)
        colleague = _add_member(session, workspace, COLLEAGUE, "A colleague", Role.REP)
        session.add(Mailbox(workspace_id=workspace.id, member_id=sender.id, email=SENDER, is_paused=True))
        session.add_all(Device(id=f"lab-{one.id}", member_id=one.id) for one in (sender, colleague))
        session.flush()
    return Laboratory(sender, _get_mailbox(session, sender), _list_devices(session, sender))


def _add_member(session: Session, workspace: Workspace, email: str, name: str, role: str) -> Member:
    member = Member(workspace_id=workspace.id, email=email, name=name, role=role)
    session.add(member)
    session.flush()
    return member


def _get_mailbox(session: Session, sender: Member) -> Mailbox:
    return session.exec(select(Mailbox).where(Mailbox.member_id == sender.id)).one()


def _list_devices(session: Session, sender: Member) -> dict[str, str]:
    of_lab = select(Device.id, Device.member_id).join(Member, Member.id == Device.member_id)  # type: ignore[arg-type]
    rows = session.exec(of_lab.where(Member.workspace_id == sender.workspace_id))
    return {"own" if member_id == sender.id else "colleague": device_id for device_id, member_id in rows}
