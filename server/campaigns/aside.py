"""Sets people aside whose step cannot be done: what it began is undone for them alone, and the others go on."""

import traceback
from collections.abc import Callable

import structlog
from rq.timeouts import BaseTimeoutException
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlmodel import Session

from server.campaigns.models import Enrolment, EnrolmentState

FAILED = "failed"

log = structlog.get_logger()


def do_or_set_aside(
    session: Session, enrolment: Enrolment, act: Callable[[], object], undone: Callable[[], None]
) -> None:
    """Call `act` in a savepoint; where it fails, call `undone` and hold this person back, with the reason.

    What is no one person's fault (the database is away, time is up) is raised: the whole batch is tried again.
    """
    for is_last_try in (False, True):
        try:
            with session.begin_nested():
                act()
                session.add(enrolment)
            return
        except (OperationalError, InterfaceError, BaseTimeoutException):
            raise
        except Exception as error:  # noqa: BLE001 - whatever one person's row does, the others go on
            undone()
            if isinstance(error, IntegrityError) and not is_last_try:
                continue  # a row that somebody else has just added can be found now
            enrolment.state, enrolment.paused_until = EnrolmentState.PAUSED, None
            enrolment.paused_reason = _name(enrolment, error)
            session.add(enrolment)
            session.flush()
            return


def _name(enrolment: Enrolment, error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    reason = f"{type(error).__name__} in {frame.name}"
    # Never the text of the error: it may quote a mail or an address.
    log.error("person set aside", enrolment_id=enrolment.id, reason=reason, line=frame.lineno)
    return f"{FAILED}:{reason}"
