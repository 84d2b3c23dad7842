"""What the reasons of exclusions, errors and ends mean, in the reader's language; an unknown one is shown as it is."""

from flask_babel import lazy_gettext as _

from server.campaigns.models import EndReason, Enrolment

REASONS = {
    "no_address": _("no email address"),
    "not_assigned": _("nobody owns this person"),
    "no_mailbox": _("the owner has no linked mailbox"),
    "already_enrolled": _("under way in an earlier run"),
    "duplicate": _("another person of this run has the address"),
    "no_text": _("the step has no text"),
    "missing_field": _("“%(value)s” is not known, and the text has no default"),
    "retry_window": _("could not be sent within 84 hours"),
    "unsubscribed": _("has unsubscribed"),
    "complained": _("reported mail as spam"),
    "hard_bounce": _("the address does not exist"),
    "soft_bounces": _("mail came back five times in a row"),
    "by_member": _("on the list of those not to write to"),
    "erased": _("asked to be erased"),
    "skipped": _("skipped by hand"),
    "replied": _("replied"),
    "clicked": _("clicked"),
    "meeting_booked": _("booked a meeting"),
    "bounced": _("the mail came back"),
    "by_hand": _("ended by hand"),
    "held_by_hand": _("held back by hand"),
    "campaign_ended": _("the campaign was ended"),
    "finished": _("went through all steps"),
    "excluded": _("excluded"),
    "error": _("could not be sent"),
    "absent_until": _("away until %(value)s"),
    "failed": _("the step could not be done (%(value)s); resume to try again"),
    "colleague_replied": _("a colleague replied: %(value)s"),
}
DETAILED = (EndReason.EXCLUDED, EndReason.ERROR, EndReason.BY_HAND)


def explain_end(enrolment: Enrolment) -> str:
    """Return why a person's way is over: the detail where that says more than the reason."""
    return explain(enrolment.end_detail if _says_more(enrolment) else enrolment.end_reason)


def find_end(enrolment: Enrolment) -> str:
    """Return the code of why a person's way is over, the most exact one that has words here."""
    code = enrolment.end_detail.partition(":")[0]
    return code if _says_more(enrolment) and code in REASONS else enrolment.end_reason


def explain(reason: str) -> str:
    """Return the words for a stored `reason`, some with `:value` behind the code."""
    code, _colon, value = reason.partition(":")
    return str(REASONS[code]).replace("%(value)s", value) if code in REASONS else reason


def _says_more(enrolment: Enrolment) -> bool:
    return bool(enrolment.end_detail) and enrolment.end_reason in DETAILED
