"""Points given or taken by hand: each has a reason, fades like an event, and can be removed and brought back."""

from flask_babel import gettext as _
from sqlmodel import Session

from server.accounts.models import Member
from server.clock import now
from server.errors import Refused
from server.people.models import Person
from server.scoring.models import ScoreAdjustment, ScoreSource
from server.scoring.numbers import read_number
from server.scoring.score import recount
from server.scoring.score_models import find_rules

LARGEST_POINTS = 1000
REASON_LENGTH = 200


def add_adjustment(session: Session, member: Member, person: Person, points: str, reason: str) -> ScoreAdjustment:
    """Give a person `points`, negative ones to take them; refuses none, too many, no reason, and an external score."""
    if find_rules(session, person.workspace_id).source == ScoreSource.EXTERNAL:
        raise Refused(_("Scores come from another system here, so change this one there."), status=409)
    reason = " ".join(reason.split())
    if not 0 < len(reason) <= REASON_LENGTH or not reason.isprintable():
        raise Refused(_("Give a reason of 1 to %(most)s characters.", most=REASON_LENGTH), field="reason")
    given = read_number(points, -LARGEST_POINTS, LARGEST_POINTS, field="points")
    if given == 0:
        raise Refused(_("0 points change nothing. Give some, or take some with a minus."), field="points")
    row = ScoreAdjustment(person_id=person.id or 0, member_id=member.id, points=given, reason=reason)
    session.add(row)
    recount(session, person.workspace_id, [row.person_id])
    return row


def get_adjustment(session: Session, person: Person, adjustment_id: int) -> ScoreAdjustment:
    """Return an adjustment of this person; refuses another's as if there were none."""
    row = session.get(ScoreAdjustment, adjustment_id)
    if row is None or row.person_id != person.id:
        raise Refused(_("There is no such adjustment."), status=404)
    return row


def remove_adjustment(session: Session, person: Person, row: ScoreAdjustment) -> None:
    """Let an adjustment count no more; `restore_adjustment` undoes it."""
    row.removed_at = row.removed_at or now()
    session.add(row)
    recount(session, person.workspace_id, [row.person_id])


def restore_adjustment(session: Session, person: Person, row: ScoreAdjustment) -> None:
    """Let a removed adjustment count again, as of its own time."""
    row.removed_at = None
    session.add(row)
    recount(session, person.workspace_id, [row.person_id])
