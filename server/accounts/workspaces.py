"""The workspace: what its admins decide for everybody in it."""

from sqlmodel import Session

from server.accounts.fields import read_name, read_time_zone
from server.accounts.models import Workspace


def change_workspace(
    session: Session, workspace: Workspace, name: str, time_zone: str, managers_see_team: bool, sets_honeypots: bool
) -> None:
    """Change a workspace's name and time zone, what its managers see, and whether its mail carries a hidden link."""
    workspace.name = read_name(name)
    workspace.time_zone = read_time_zone(time_zone)
    workspace.managers_see_team = managers_see_team
    workspace.sets_honeypots = sets_honeypots
    session.add(workspace)
    session.flush()
