"""How a campaign stands: who is where, what goes out next, what failed, and what one can do about it."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_datetime
from flask_login import current_user
from sqlmodel import Session

from server.campaigns import by_hand, campaigns
from server.campaigns.deliveries import try_again
from server.campaigns.history.history import read_history
from server.campaigns.history.words import tell_change
from server.campaigns.models import Campaign, CampaignState
from server.campaigns.queries import (
    find_run,
    get_campaign,
    get_enrolment,
    read_board,
    read_lines,
    read_step_counts,
)
from server.campaigns.reasons import explain, explain_end
from server.campaigns.routes import CAMPAIGN, bp
from server.campaigns.steps import read_steps
from server.campaigns.variants import find_winner, read_results
from server.campaigns.words import DONE_KINDS, STATES, STEPS, WAYS
from server.clock import now
from server.db import get_session
from server.errors import Refused
from server.htmx import is_partial_wanted
from server.people.people import LARGEST_ID
from server.security import allow
from server.tasks.days import zone_of

ENROLMENT = f"{CAMPAIGN}/people/<int(max=2147483647):enrolment_id>"
ACTS = {
    "pause": campaigns.pause,
    "resumption": campaigns.resume,
    "end": campaigns.finish,
    "undo": campaigns.undo_confirmation,
}
SHOWN_CHANGES = 6
WAY_ACTS = {"skip": by_hand.skip, "hold": by_hand.hold, "resumption": by_hand.resume, "end": by_hand.end}


@bp.get(f"{CAMPAIGN}/board")
@allow("rep")
def show_panel(campaign_id: int) -> ResponseReturnValue:
    """Show how a campaign stands now."""
    session = get_session(write=False)
    campaign = get_campaign(session, current_user, campaign_id)
    return render_template("campaigns/_board.html", **_read(session, campaign))


@bp.get(f"{CAMPAIGN}/people")
@allow("rep")
def list_people(campaign_id: int) -> ResponseReturnValue:
    """Show the people of a run, and where each of them is."""
    session = get_session(write=False)
    campaign = get_campaign(session, current_user, campaign_id)
    run = find_run(session, campaign.id, _asked_number("run"))
    state, reason = request.args.get("state", ""), request.args.get("reason", "")[:40]
    after = _asked_number("after") or 0
    lines, following = read_lines(session, run, state, reason, after) if run else ([], None)
    context = {
        "campaign": campaign, "run": run, "lines": lines, "next": following, "state": state, "reason": reason,
        "after": after, "ways": WAYS, **words_of_ways(session),
    }  # fmt: skip
    return render_template("campaigns/_lines.html" if is_partial_wanted() else "campaigns/people.html", **context)


@bp.post(f"{CAMPAIGN}/<any(pause, resumption, end, undo):act>")
@allow("rep")
def change_state(campaign_id: int, act: str) -> ResponseReturnValue:
    """Pause a campaign, let it go on, end it, or take its confirmation back."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    try:
        ACTS[act](session, campaign, current_user)
    except Refused as error:
        session.rollback()
        flash(error.message, "error")
    else:
        session.commit()
    return redirect(url_for(".show", campaign_id=campaign_id), 303)


@bp.post(f"{ENROLMENT}/<any(skip, hold, resumption, end):act>")
@allow("rep")
def change_way(campaign_id: int, enrolment_id: int, act: str) -> ResponseReturnValue:
    """Let one person skip a step, wait, go on, or be done."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    enrolment = get_enrolment(session, campaign, enrolment_id, held=True)
    WAY_ACTS[act](session, enrolment, current_user)
    session.commit()
    shown = {name: request.args.get(name) for name in ("run", "state", "reason", "after")}
    return redirect(url_for(".list_people", campaign_id=campaign_id, **shown), 303)  # type: ignore[arg-type]


@bp.post(f"{CAMPAIGN}/failures/<int(max=2147483647):delivery_id>/retry")
@allow("rep")
def retry(campaign_id: int, delivery_id: int) -> ResponseReturnValue:
    """Try again what could not be sent."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    try_again(session, campaign.id, delivery_id, current_user)
    session.commit()
    return _back(campaign_id)


def show_board(session: Session, campaign: Campaign) -> ResponseReturnValue:
    """Answer the page of a campaign that is no draft."""
    return render_template("campaigns/campaign.html", **_read(session, campaign))


def _read(session: Session, campaign: Campaign) -> dict[str, Any]:
    run = find_run(session, campaign.id, _asked_number("run"))
    steps = read_steps(session, campaign.id)
    seconds = (campaign.starts_at - now()).total_seconds() if campaign.starts_at else 0
    return {
        "campaign": campaign, "run": run, "steps": steps, "step_kinds": STEPS, "done_kinds": DONE_KINDS,
        "states": STATES, "ways": WAYS,
        "board": read_board(session, run) if run else None, "explain": explain,
        "happened": read_history(session, campaign.id, limit=SHOWN_CHANGES)[0], "tell_change": tell_change,
        "counts": read_step_counts(session, run) if run else {},
        "results": {step.id: _compare(session, campaign, step.id, len(variants)) for step, variants in steps
                    if len(variants) > 1},
        "may_undo": campaign.state == CampaignState.CONFIRMED, "undo_seconds": max(0, round(seconds)),
    }  # fmt: skip


def words_of_ways(session: Session) -> dict[str, Any]:
    """Return what `campaigns/_way.html` says things with: reasons, ends, and times by the reader's clock."""
    zone = zone_of(session, current_user)
    return {
        "explain": explain, "explain_end": explain_end,
        "told": lambda at: format_datetime(at.astimezone(zone).replace(tzinfo=None), "short", rebase=False),
    }  # fmt: skip


def _asked_number(name: str) -> int | None:
    number = request.args.get(name, type=int)
    return number if number is not None and 0 <= number <= LARGEST_ID else None


def _compare(session: Session, campaign: Campaign, step_id: int, variants: int) -> dict[str, Any]:
    results = read_results(session, step_id)
    return {
        "rows": {one.variant_id: one for one in results},
        "winner_id": find_winner(results, variants, campaign.winner_sample),
    }


def _back(campaign_id: int) -> ResponseReturnValue:
    if is_partial_wanted():
        campaign = get_campaign(get_session(), current_user, campaign_id)
        return render_template("campaigns/_board.html", **_read(get_session(), campaign))
    return redirect(url_for(".show", campaign_id=campaign_id), 303)
