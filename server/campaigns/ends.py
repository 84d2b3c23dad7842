"""How a person's way through a campaign comes to its end."""

from server.campaigns.models import Enrolment, EnrolmentState
from server.clock import now


def end(enrolment: Enrolment, reason: str, detail: str = "") -> None:
    """Bring a person's way to its end."""
    enrolment.state, enrolment.ended_at = EnrolmentState.ENDED, now()
    enrolment.end_reason, enrolment.end_detail = reason, detail
    enrolment.paused_until, enrolment.paused_reason = None, ""
