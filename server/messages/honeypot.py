"""The hidden link of a tracked mail: no person can see, reach by keyboard or hear it, so who follows it is a scanner.

It is empty, undisplayed and hidden from screen readers, and stands in the HTML part only; whoever gets there all the
same finds a sentence and no harm. Its token says place 0, which no link of a member's has.
"""

from markupsafe import escape

from server.config import Settings
from server.keys import Keyring
from server.tracking.tokens import HONEYPOT_POSITION, link_url

PATH = "/nobody"


def honeypot_target(settings: Settings) -> str:
    """Return where hidden links lead: the edge's page for nobody."""
    return f"{settings.edge_base_url}{PATH}"


def honeypot_of(settings: Settings, keys: Keyring, sender_key: str, tracking_id: str) -> str:
    """Return the hidden link of the copy `tracking_id` as HTML."""
    url = link_url(settings, keys, sender_key, tracking_id, HONEYPOT_POSITION, honeypot_target(settings))
    hidden = 'aria-hidden="true" tabindex="-1" rel="nofollow" style="display:none"'
    return f'<a href="{escape(url)}" {hidden}></a>'
