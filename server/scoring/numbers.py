"""Numbers that people write into forms."""

import math

from flask_babel import gettext as _

from server.errors import Refused


def read_number(text: str, least: float, most: float, *, field: str) -> float:
    """Return the number a person wrote, with a point or a comma; refuses what is none or out of range."""
    try:
        number = float(text.strip().replace(",", ".").replace("\u2212", "-"))
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        message = _("“%(text)s” is not a number from %(least)s to %(most)s.", text=text[:20], least=least, most=most)
        raise Refused(message, field=field)
    return round(number, 2)
