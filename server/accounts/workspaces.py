"""The workspace: what its admins decide for everybody in it."""

from sqlmodel import Session

from server.accounts.members import read_name, read_time_zone
from server.accounts.models import Workspace
from server.queue import announce


def change_workspace(
    session: Session, workspace: Workspace, name: str, time_zone: str, managers_see_team: bool
) -> None:
    """Change a workspace's name and time zone, and whether its managers see what belongs to the team."""
    workspace.name = read_name(name)
    workspace.time_zone = read_time_zone(time_zone)
    if workspace.managers_see_team != managers_see_team:
        workspace.managers_see_team = managers_see_team
        announce(session, "workspace", id=workspace.id)
    session.add(workspace)
    session.flush()
