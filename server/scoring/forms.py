"""The form of a workspace's score rules."""

import math
from collections.abc import Mapping

from flask_babel import gettext as _

from server.errors import Refused
from server.scoring.models import ScoreSource
from server.scoring.numbers import read_number
from server.scoring.score_models import Rules
from server.scoring.words import KINDS

LARGEST_WEIGHT = 1000
HALF_LIFE_DAYS = (1, 365)


def read_rules(form: Mapping[str, str]) -> Rules:
    """Return the rules of a form with `source`, `half_life_days` and `points-<kind>`; refuses the first odd value."""
    source = form.get("source", ScoreSource.WARMLINE)
    if source not in list(ScoreSource):
        raise Refused(_("Choose who gives the scores."), field="source")
    days = read_number(form.get("half_life_days", ""), *HALF_LIFE_DAYS, field="half_life_days")
    points = {
        str(kind): read_number(form.get(f"points-{kind}", ""), -LARGEST_WEIGHT, LARGEST_WEIGHT, field=f"points-{kind}")
        for kind in KINDS
    }
    return Rules(source, days * 24.0, points)


def show_number(number: float) -> str:
    """Return a number as a form field holds it: no trailing zeros."""
    return str(int(number)) if math.isfinite(number) and number == int(number) else str(number)


def make_form(rules: Rules) -> dict[str, str]:
    """Return the values with which the form shows `rules`."""
    points = {f"points-{kind}": show_number(rules.points.get(kind, 0)) for kind in KINDS}
    return {"source": rules.source, "half_life_days": show_number(rules.half_life_hours / 24), **points}
