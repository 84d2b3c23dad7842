"""What a cell of an imported file says of consent: yes, no, or nothing."""

from flask_babel import gettext as _

from server.consent.models import Answer, Purpose
from server.errors import Refused
from server.people.terms import normalise

YES = frozenset({"yes", "y", "true", "1", "x", "oui", "o", "vrai"})
NO = frozenset({"no", "n", "false", "0", "non", "faux"})


def read_answers(agreed: str, unsubscribed: str) -> list[tuple[Purpose, Answer]]:
    """Return what somebody said by the cells of the two columns; refuses a cell that is neither yes nor no."""
    answers: list[tuple[Purpose, Answer]] = []
    if agreed:
        answers.append((Purpose.TRACKING, Answer.GIVEN if _is_yes(agreed) else Answer.WITHDRAWN))
    if unsubscribed and _is_yes(unsubscribed):  # that somebody has not unsubscribed is no consent
        answers.append((Purpose.MAIL, Answer.WITHDRAWN))
    return answers


def _is_yes(cell: str) -> bool:
    word = normalise(cell)
    if word not in YES | NO:
        raise Refused(_("“%(text)s” is neither yes nor no.", text=cell[:50]))
    return word in YES
