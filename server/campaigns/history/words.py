"""What happened in a campaign, in the reader's language: an icon and a sentence."""

from flask_babel import lazy_gettext as _

from server.campaigns.history.history import Told
from server.campaigns.history.models import ChangeKind
from server.campaigns.reasons import explain

BY_SOMEBODY = {
    ChangeKind.CONFIRMED: ("calendar-check", _("%(who)s confirmed the campaign")),
    ChangeKind.UNDONE: ("undo-2", _("%(who)s took the confirmation back")),
    ChangeKind.PAUSED: ("pause", _("%(who)s paused the campaign")),
    ChangeKind.RESUMED: ("play", _("%(who)s resumed the campaign")),
    ChangeKind.ENDED: ("square", _("%(who)s ended the campaign")),
    ChangeKind.PERSON_HELD: ("pause", _("%(who)s held them back")),
    ChangeKind.PERSON_RESUMED: ("play", _("%(who)s let them go on")),
    ChangeKind.PERSON_ENDED: ("flag", _("%(who)s ended it for them")),
    ChangeKind.STEP_SKIPPED: ("skip-forward", _("%(who)s skipped step %(reason)s for them")),
    ChangeKind.MAIL_RETRIED: ("rotate-cw", _("%(who)s had the mail tried again")),
}
BY_ITSELF = {
    ChangeKind.RUN_STARTED: ("play", _("run %(reason)s started")),
    ChangeKind.RUN_DONE: ("circle-check", _("run %(reason)s is done")),
    ChangeKind.PERSON_HELD: ("pause", _("held back: %(reason)s")),
    ChangeKind.PERSON_RESUMED: ("play", _("goes on")),
    ChangeKind.PERSON_ENDED: ("flag", _("ended: %(reason)s")),
}
SOMEBODY = _("Somebody")
SHORT = {
    "absent_until": _("away"),
    "colleague_replied": _("a colleague replied"),
    "missing_field": _("a field of the text is not known"),
    "failed": _("the step could not be done"),
}


def tell_change(told: Told) -> tuple[str, str]:
    """Return the icon and the sentence of a change, without the person it is about."""
    change, kind = told.change, ChangeKind(told.change.kind)
    words = BY_ITSELF if change.member_id is None and kind in BY_ITSELF else BY_SOMEBODY
    icon, sentence = words[kind]
    reason = SHORT[change.reason] if change.reason in SHORT else explain(change.reason)
    return icon, str(sentence) % {"who": told.member_name or SOMEBODY, "reason": reason}
