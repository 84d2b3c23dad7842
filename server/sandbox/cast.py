"""Who plays in the simulation: the demo member and the prospects, each with what they do."""

from dataclasses import dataclass

from flask_babel import lazy_gettext as _


@dataclass(frozen=True, slots=True)
class Player:
    """One account of the stand-in; `part` tells a visitor of the sandbox page what this one does."""

    email: str
    name: str
    part: object


DEMO_MEMBER = Player("riley@warmline.example", "Riley Hart", _("You, in the demo workspace."))
FLYNN = Player("flynn@flynnsarcade.com", "Kevin Flynn", _("Opens, clicks; his colleague Kevin F. answers for him."))
KEVIN = Player("kevinf@flynnsarcade.com", "Kevin F.", _("Opens in a browser, clicks and answers."))
ALAN = Player("alan@encom.com", "Alan Bradley", _("Reads with images off: no view is ever seen, but he answers."))
LORA = Player(
    "lora@encom.com", "Lora Baines", _("Uses Apple Mail: its privacy proxy loads the image at once; she clicks later.")
)
INES = Player(
    "ines.moreau@atelier-lumen.example", "Inès Moreau", _("Reads in Gmail: its image proxy fetches the image for her.")
)
JONAS = Player("jonas.weber@nordwind.example", "Jonas Weber", _("Opens twice, from two places."))
PRIYA = Player(
    "priya.nair@cobaltlabs.example",
    "Priya Nair",
    _("A mail scanner tries all links within a second; later she reads it herself."),
)
HANNAH = Player("ooo.hannah@blueharbor.example", "Hannah Ortiz", _("Is away: an automatic reply comes back."))
BOUNCE = Player("bounce.old@blueharbor.example", "Former Colleague", _("Has left: the mail bounces."))

PROSPECTS = (FLYNN, KEVIN, ALAN, LORA, INES, JONAS, PRIYA, HANNAH, BOUNCE)
CAST = (DEMO_MEMBER, *PROSPECTS)
