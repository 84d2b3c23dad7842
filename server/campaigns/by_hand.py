"""What somebody does by hand with one person's way: held back, resumed, moved on by a step, ended."""

from flask_babel import gettext as _
from sqlmodel import Session

from server.accounts.models import Member
from server.campaigns import stops
from server.campaigns.models import EndReason, Enrolment, EnrolmentState
from server.errors import Refused


def hold(session: Session, enrolment: Enrolment, by: Member | None = None) -> None:
    """Hold a person back until somebody resumes them; raises `Refused` (409) where their way is over."""
    _require_under_way(enrolment)
    if enrolment.state != EnrolmentState.PAUSED or enrolment.paused_until is not None:
        stops.hold(session, [enrolment], "held_by_hand", by=by)


def resume(session: Session, enrolment: Enrolment, by: Member | None = None) -> None:
    """Let a person go on who is held back; raises `Refused` (409) where their way is over."""
    _require_under_way(enrolment)
    stops.resume(session, [enrolment], by)


def skip(
    session: Session, enrolment: Enrolment, by: Member | None = None, position: int | None = None
) -> None:  # fmt: skip
    """Let a person go on with the step after the one they wait for, or after `position`, which skips once however
    often it is asked; raises `Refused` (409) where their way is over."""
    _require_under_way(enrolment)
    if position is None or position == enrolment.position:
        stops.skip(session, enrolment, by)
    elif position > enrolment.position:
        raise Refused(_("They wait for step %(position)d.", position=enrolment.position), status=409)


def end(session: Session, enrolment: Enrolment, by: Member | None = None) -> None:
    """Stop the campaign for a person; where it is over already, it stays as it is."""
    if enrolment.state in stops.UNDER_WAY:
        stops.stop(session, [enrolment], EndReason.BY_HAND, by=by)


def _require_under_way(enrolment: Enrolment) -> None:
    if enrolment.state not in stops.UNDER_WAY:
        raise Refused(_("The campaign is over for this person."), status=409)
