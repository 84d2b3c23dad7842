"""What states, kinds and steps of campaigns are called."""

from flask_babel import lazy_gettext as _

from server.campaigns.models import CampaignState, EnrolmentState, StepKind
from server.events.models import EventKind

STATES = {
    CampaignState.DRAFT: _("Draft"),
    CampaignState.CONFIRMED: _("Confirmed"),
    CampaignState.RUNNING: _("Running"),
    CampaignState.PAUSED: _("Paused"),
    CampaignState.DONE: _("Done"),
}
WAYS = {
    EnrolmentState.ACTIVE: _("Under way"),
    EnrolmentState.PAUSED: _("Held back"),
    EnrolmentState.ENDED: _("Ended"),
}
STEPS = {
    StepKind.EMAIL: ("mail", _("Email")),
    StepKind.WAIT: ("hourglass", _("Wait")),
    StepKind.TASK: ("list-checks", _("Task for the owner")),
    StepKind.CONDITION: ("split", _("Condition")),
    StepKind.END: ("flag", _("End")),
}
DONE_KINDS = {
    EventKind.VIEWED: _("viewed a mail"),
    EventKind.CLICKED: _("clicked a link"),
    EventKind.DOCUMENT_OPENED: _("opened a document"),
    EventKind.PAGE_READ: _("read a page"),
    EventKind.DOWNLOADED: _("downloaded a document"),
}
STARTING_KINDS = {
    EventKind.CLICKED: _("clicks a link"),
    EventKind.REPLIED: _("replies"),
    EventKind.DOCUMENT_OPENED: _("opens a document"),
    EventKind.DOWNLOADED: _("downloads a document"),
    EventKind.WEB_VISITED: _("visits a page of your website"),
    EventKind.INTERESTING_MOMENT: _("has an Interesting Moment"),
}
ENGAGEMENT_KINDS = {
    EventKind.VIEWED: _("viewed"),
    EventKind.CLICKED: _("clicked"),
    EventKind.REPLIED: _("replied"),
    EventKind.DOCUMENT_OPENED: _("opened a document"),
    EventKind.WEB_VISITED: _("visited your website"),
    EventKind.BOUNCED: _("bounced"),
}
