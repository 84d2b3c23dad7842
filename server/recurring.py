"""ALL recurring work, on one page: looks that find rows which are due and wake their job, and what is swept when.

Two tickers double nothing: a look wakes, and the job claims. A look that has nothing to do only reads.
"""

from collections.abc import Callable, Iterable

from sqlmodel import Session

from server.campaigns import advance, campaigns, deliveries, follow, runs, stops, variants
from server.clock import now
from server.config import get_settings
from server.consent import erasure, retention
from server.db import get_db
from server.documents import conversion, documents, storage, visits
from server.events.partitions import add_partitions
from server.gmail import ending, quarantine, schedule
from server.library import templates
from server.messages import handed, outbox
from server.messages.attachments import files as attached
from server.people import imports
from server.queue import get_wakeups
from server.sandbox.lab import runs as lab
from server.scoring import recompute
from server.sidebar import openings
from server.tasks import reminders, tasks
from server.ticker import Recurring
from server.tracking.drain import Lookout, forget_old_cursors


def wake_due_copies() -> None:
    """Wake a worker for each copy that is due, or whose worker is gone."""
    _wake_each("send_copy", outbox.find_due)


def want_overlooked_syncs() -> None:
    """Ask for a sync of each mailbox that must be read before a campaign's next mail may leave it."""
    with get_db().session(write=False) as session:
        ids = outbox.find_overlooked(session)
    if ids:
        with get_db().session() as session:
            schedule.want_syncs(session, ids)
            session.commit()
        for mailbox_id in ids:
            get_wakeups().wake("sync_mailbox", mailbox_id)


def start_due_campaigns() -> None:
    """Start each campaign, or further run of one, whose time has come; close those that are through."""
    with get_db().session(write=False) as session:
        is_wanted = campaigns.has_due_start(session) or runs.has_finished(session) or stops.has_due_return(session)
    if is_wanted:
        with get_db().session() as session:
            campaigns.start_due(session)
            runs.finish_runs(session)
            stops.resume_due(session)
            session.commit()


def wake_campaigns() -> None:
    """Wake workers for whatever campaigns have to do: take an audience, advance, follow mail and events."""
    _wake_each("prepare_run", runs.find_preparing)
    _wake_each("advance_campaign", advance.find_due)
    with get_db().session(write=False) as session:
        is_settling, has_events = deliveries.find_settled(session), follow.has_news(session)
    if is_settling:
        get_wakeups().wake("settle_deliveries")
    if has_events:
        get_wakeups().wake("follow_events")


def name_campaign_winners() -> None:
    """Name the variants of campaigns' mails that are better beyond doubt."""
    with get_db().session() as session:
        variants.name_winners(session)
        session.commit()


def wake_unread_copies() -> None:
    """Wake a worker for each sent copy whose Message-ID is not known yet."""
    _wake_each("read_back", outbox.find_unread)


lookout = Lookout()


def wake_drain() -> None:
    """Wake a worker while the journal holds a hit that is not in the event log."""
    with get_db().session(write=False) as session:
        has_news = lookout.has_news(session, get_settings().journal_dir)
    if has_news:
        get_wakeups().wake("drain_hits")


def sweep_journal_cursors() -> None:
    """Forget how far segments of the journal were drained that ended long ago."""
    with get_db().session() as session:
        forget_old_cursors(session)
        session.commit()


def add_event_partitions() -> None:
    """Make the next months' partitions of the event table."""
    with get_db().session() as session:
        add_partitions(session, now())
        session.commit()


def wake_due_syncs() -> None:
    """Wake a worker for each mailbox whose sync is wanted by now."""
    _wake_each("sync_mailbox", schedule.find_due_syncs)


def want_due_polls() -> None:
    """Ask for a sync of each mailbox that nobody has looked into for a while."""
    with get_db().session(write=False) as session:
        ids = schedule.find_due_polls(session)
    if ids:
        with get_db().session() as session:
            schedule.want_syncs(session, ids)
            session.commit()


def wake_due_watches() -> None:
    """Wake a worker for each mailbox whose watch is to be started, renewed or tried again."""
    _wake_each("renew_watch", schedule.find_due_watches)


def wake_due_disconnects() -> None:
    """Wake a worker for each disconnected mailbox into which Google may still let us."""
    _wake_each("disconnect_mailbox", schedule.find_due_disconnects)


def wake_wanted_retries() -> None:
    """Wake a worker for each mailbox of which a quarantined mail is to be tried again."""
    _wake_each("retry_quarantined", quarantine.find_wanted)


def warn_of_ending_access() -> None:
    """Warn members whose access to a mailbox Google is about to end."""
    with get_db().session(write=False) as session:
        ids = ending.find_unwarned(session)
    if ids:
        with get_db().session() as session:
            ending.warn(session, ids)
            session.commit()


def delete_old_notifications() -> None:
    """Forget pushes that Pub/Sub can no longer repeat."""
    with get_db().session() as session:
        schedule.delete_old_notifications(session)
        session.commit()


def wake_unfinished_scores() -> None:
    """Wake a worker for each workspace whose scores are being built."""
    _wake_each("recompute_scores", recompute.find_unfinished)


def give_due_reminders() -> None:
    """Remind of each task that is due, once."""
    with get_db().session(write=False) as session:
        is_wanted = reminders.has_due(session)
    if is_wanted:
        with get_db().session() as session:
            reminders.give_due(session)
            session.commit()


def sweep_tasks() -> None:
    """Take the rows of tasks that nobody can bring back any more."""
    with get_db().session() as session:
        tasks.sweep(session)
        session.commit()


def sweep_templates() -> None:
    """Take the rows of templates that nobody can bring back any more."""
    with get_db().session() as session:
        templates.sweep(session)
        session.commit()


def wake_unfinished_imports() -> None:
    """Wake a worker for each file of people that is being taken in."""
    _wake_each("import_people", imports.find_unfinished)


def sweep_import_files() -> None:
    """Delete uploaded files of people that nobody needs any more."""
    with get_db().session(write=False) as session:
        imports.sweep_files(session)


def sweep_handed_mail() -> None:
    """Forget mails that were handed to Gmail's compose and never sent."""
    with get_db().session() as session:
        handed.sweep(session)
        session.commit()


def wake_wanted_erasures() -> None:
    """Wake a worker for each person who is still to be erased."""
    _wake_each("erase_person", erasure.find_wanted)


def forget_old_evidence() -> None:
    """Wake a worker to delete what each workspace no longer keeps, and delete old records that cannot be read."""
    _wake_each("forget_evidence", retention.list_workspaces)
    with get_db().session(write=False) as session:
        retention.sweep_aside(session, get_settings().journal_dir / "bad")


def wake_lab() -> None:
    """Wake a worker while a scenario of the tracking lab waits."""
    with get_db().session(write=False) as session:
        is_wanted = lab.has_due(session)
    if is_wanted:
        get_wakeups().wake("play_scenarios")


def sweep_thread_openings() -> None:
    """Forget which threads members opened long ago."""
    with get_db().session() as session:
        openings.sweep(session)
        session.commit()


def wake_due_documents() -> None:
    """Wake a worker for each version of a document that waits for its pages."""
    _wake_each("convert_document", conversion.find_due)


def sweep_sittings() -> None:
    """Forget what readers' tabs reported that can report no more."""
    with get_db().session() as session:
        visits.sweep_sittings(session)
        session.commit()


def sweep_documents() -> None:
    """Delete the files of documents that nobody can bring back any more."""
    with get_db().session() as session:
        version_ids = documents.sweep(session)
        session.commit()
    for version_id in version_ids:
        storage.delete_version(get_settings(), version_id)


def sweep_attachments() -> None:
    """Delete attached files that no mail took, and those that Gmail has had for long."""
    with get_db().session() as session:
        paths = attached.sweep(session)
        session.commit()
    for path in paths:
        path.unlink(missing_ok=True)


def _wake_each(name: str, find: Callable[[Session], Iterable[int]]) -> None:
    with get_db().session(write=False) as session:
        ids = list(find(session))
    for row_id in ids:
        get_wakeups().wake(name, row_id)


RECURRING: tuple[Recurring, ...] = (
    Recurring(0.1, wake_drain),
    Recurring(86_400, sweep_journal_cursors),
    Recurring(86_400, add_event_partitions),
    Recurring(1, wake_due_copies),
    Recurring(0.5, want_overlooked_syncs),
    Recurring(1, start_due_campaigns),
    Recurring(0.5, wake_campaigns),
    Recurring(60, name_campaign_winners),
    Recurring(3, wake_unread_copies),
    Recurring(1, want_due_polls),
    Recurring(1, wake_due_syncs),
    Recurring(60, wake_due_watches),
    Recurring(60, wake_due_disconnects),
    Recurring(10, wake_wanted_retries),
    Recurring(3600, warn_of_ending_access),
    Recurring(86_400, delete_old_notifications),
    Recurring(2, wake_unfinished_scores),
    Recurring(2, wake_unfinished_imports),
    Recurring(3600, sweep_import_files),
    Recurring(15, give_due_reminders),
    Recurring(3600, sweep_tasks),
    Recurring(3600, sweep_templates),
    Recurring(3600, sweep_handed_mail),
    Recurring(86_400, sweep_thread_openings),
    Recurring(5, wake_wanted_erasures),
    Recurring(3600, forget_old_evidence),
    Recurring(5, wake_lab),
    Recurring(2, wake_due_documents),
    Recurring(3600, sweep_documents),
    Recurring(3600, sweep_attachments),
    Recurring(86_400, sweep_sittings),
)
