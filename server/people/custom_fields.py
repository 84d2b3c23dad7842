"""The fields that a workspace adds to its people: added, renamed, removed with their values."""

from flask_babel import gettext as _
from sqlalchemy import text
from sqlmodel import Session, col, select

from server.errors import Refused
from server.people.models import CustomField

MOST = 50
NAME_LENGTH = 60


def list_fields(session: Session, workspace_id: int) -> list[CustomField]:
    """Return a workspace's fields in the order in which they were added."""
    chosen = select(CustomField).where(CustomField.workspace_id == workspace_id).order_by(col(CustomField.id))
    return list(session.exec(chosen).all())


def get_field(session: Session, workspace_id: int, field_id: int) -> CustomField:
    """Return a field of this workspace; refuses any other as if there were none."""
    field = session.get(CustomField, field_id)
    if field is None or field.workspace_id != workspace_id:
        raise Refused(_("There is no such field in your workspace."), status=404)
    return field


def add_field(session: Session, workspace_id: int, name: str) -> CustomField:
    """Add a field to everybody; refuses a name that another field has."""
    if len(list_fields(session, workspace_id)) >= MOST:
        raise Refused(_("A workspace has at most %(most)s fields of its own.", most=MOST), field="name", status=409)
    field = CustomField(workspace_id=workspace_id, name=_read_name(session, workspace_id, name))
    session.add(field)
    session.flush()
    return field


def rename_field(session: Session, field: CustomField, name: str) -> None:
    """Give a field another name; its values stay."""
    field.name = _read_name(session, field.workspace_id, name, field.id)
    session.add(field)
    session.flush()


def remove_field(session: Session, field: CustomField) -> None:
    """Remove a field and everybody's value in it, for good."""
    if session.get_bind().dialect.name == "postgresql":
        clear = (
            "UPDATE person SET custom = (custom::jsonb - :key)::json "
            "WHERE workspace_id = :workspace AND jsonb_exists(custom::jsonb, :key)"
        )
    else:
        clear = (
            "UPDATE person SET custom = json_remove(custom, '$.\"' || :key || '\"') "
            "WHERE workspace_id = :workspace AND json_type(custom, '$.\"' || :key || '\"') IS NOT NULL"
        )
    session.execute(text(clear), {"key": str(field.id), "workspace": field.workspace_id})
    session.delete(field)
    session.flush()


def _read_name(session: Session, workspace_id: int, text: str, own_id: int | None = None) -> str:
    name = " ".join(text.split())
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise Refused(_("A name has 1 to %(most)s characters.", most=NAME_LENGTH), field="name")
    for other in list_fields(session, workspace_id):
        if other.id != own_id and other.name.casefold() == name.casefold():
            raise Refused(_("There is a field “%(name)s” already.", name=other.name), field="name", status=409)
    return name
