"""Browsers in which a member has signed in: what they fetch is no engagement (T12), nobody can lock them out."""

from sqlmodel import Session, select

from server.accounts.models import Device, Member
from server.keys import make_token


def ensure_device(session: Session, member_id: int, device_id: str | None) -> str:
    """Return the id of a browser in which a member has signed in: the known `device_id`, else a new one."""
    if device_id is not None and session.get(Device, device_id) is not None:
        return device_id
    device = Device(id=make_token(), member_id=member_id)
    session.add(device)
    session.flush()
    return device.id


def is_device_of(session: Session, device_id: str | None, email: str) -> bool:
    """Return whether the member with this email address has signed in in this browser before."""
    if device_id is None:
        return False
    owner = select(Device.id).join(Member).where(Device.id == device_id, Member.email == email)
    return session.exec(owner).first() is not None
