"""What the people who advance together share: their campaign, its steps, and the mailboxes' plans, read once."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlmodel import Session

from server.accounts.models import Member, Workspace
from server.campaigns.mail import StepMail, open_mail
from server.campaigns.models import Campaign, Enrolment, Run, Step, Variant
from server.campaigns.pace import Planner, Window, most_per_day
from server.gmail.models import Mailbox
from server.people.models import Person


@dataclass(slots=True)
class Batch:
    """What the people of one batch share, read once."""

    session: Session
    campaign: Campaign
    steps: dict[int, Step]
    at: datetime
    suppressed: dict[str, str] = field(default_factory=dict)
    planners: dict[int, Planner] = field(default_factory=dict)
    mails: dict[tuple[int, int, int], StepMail] = field(default_factory=dict)
    zones: dict[int, ZoneInfo] = field(default_factory=dict)

    def planner(self, mailbox: Mailbox) -> Planner:
        """Return the planner of a mailbox, which this transaction then holds."""
        if mailbox.id not in self.planners:
            per_minute, per_day = self.campaign.per_minute, min(self.campaign.per_day, most_per_day(mailbox.email))
            self.planners[mailbox.id] = Planner(self.session, mailbox.id, per_minute, per_day, self.at)
        return self.planners[mailbox.id]

    def window(self, enrolment: Enrolment) -> Window:
        """Return when this person may get mail: by the sender's clock, or by theirs where it is known."""
        campaign = self.campaign
        zone = self.zone(enrolment.member_id or campaign.member_id)
        if campaign.zone_of == "recipient":
            person = self.session.get_one(Person, enrolment.person_id)
            zone = _read_zone(person.time_zone) or zone
        days = frozenset(campaign.days) or frozenset(range(1, 8))
        return Window(days, campaign.window_start_minutes, campaign.window_end_minutes, zone)

    def mail(self, run_id: int, variant: Variant, mailbox: Mailbox) -> StepMail:
        """Return a step's message from a mailbox."""
        key = (run_id, variant.id, mailbox.id)
        if key not in self.mails:
            run = self.session.get_one(Run, run_id)
            self.mails[key] = open_mail(self.session, self.campaign, run, variant, mailbox)
        return self.mails[key]

    def save(self) -> None:
        """Write how far the mailboxes are planned, and forget what was read: some of it may just have been undone."""
        for planner in self.planners.values():
            planner.save()
        self.planners.clear()
        self.mails.clear()

    def zone(self, member_id: int) -> ZoneInfo:
        """Return the time zone of a member."""
        if member_id not in self.zones:
            member = self.session.get_one(Member, member_id)
            workspace = self.session.get_one(Workspace, member.workspace_id)
            zone = _read_zone(member.time_zone) or _read_zone(workspace.time_zone)
            self.zones[member_id] = zone or ZoneInfo("UTC")
        return self.zones[member_id]


def _read_zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
