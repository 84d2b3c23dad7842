"""The forms of a draft: its plan, and one step at a time."""

from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from server.campaigns.audience_form import make_filter, read_form
from server.campaigns.campaigns import Plan
from server.campaigns.models import Campaign, StepKind
from server.campaigns.steps import StepPlan, Text
from server.messages.plain import from_text

UNITS = {"minutes": 1, "hours": 60, "days": 24 * 60}


def read_plan(form: "MultiDict[str, str]", campaign: Campaign) -> Plan:
    """Return the plan that was typed; what is no number is -1, which the plan's check refuses by name."""
    is_shown = "groups" in form
    return Plan(
        name=form.get("name", ""),
        kind=campaign.kind,
        sender=form.get("sender", ""),
        mailbox_id=form.get("mailbox_id", type=int),
        audience=make_filter(read_form(form)) if is_shown else campaign.audience,
        trigger={"kind": form.get("trigger_kind", ""), "contains": form.get("trigger_contains", "")[:200]},
        recurrence=form.get("recurrence", "once"),
        days=[int(day) for day in form.getlist("days") if day.isdigit()],
        window_start_minutes=_read_time(form.get("window_start", "")),
        window_end_minutes=_read_time(form.get("window_end", "")) or 24 * 60,
        zone_of=form.get("zone_of", ""),
        per_minute=_read_number(form, "per_minute"),
        per_day=_read_number(form, "per_day"),
        stops_on_click="stops_on_click" in form,
        stops_on_meeting="stops_on_meeting" in form,
        pauses_company="pauses_company" in form,
        winner_sample=_read_number(form, "winner_sample"),
    )


def read_step(form: "MultiDict[str, str]", plan: StepPlan) -> StepPlan:
    """Return `plan` with what was typed over it; of an email, over the text that the form names."""
    if plan.kind == StepKind.EMAIL:
        typed = Text(
            " ".join(form.get("subject", "").splitlines())[:998],
            form.get("html") or from_text(form.get("body", "")),
        )
        texts = list(plan.texts)
        index = min(max(form.get("text", 0, type=int) or 0, 0), len(texts))
        texts[index : index + 1] = [typed]
        return StepPlan(plan.kind, {"in_thread": "in_thread" in form}, texts)
    read = SETTINGS.get(StepKind(plan.kind))
    return StepPlan(plan.kind, read(form) if read else {})


def show_wait(settings: Mapping[str, Any]) -> tuple[int, str]:
    """Return how long a step waits in the largest unit that says it whole."""
    minutes = int(settings.get("minutes") or 0)
    for unit in ("days", "hours"):
        if minutes and minutes % UNITS[unit] == 0:
            return minutes // UNITS[unit], unit
    return minutes, "minutes"


def show_time(minutes: int) -> str:
    """Return minutes of the day as an input of type time has them."""
    minutes = min(minutes, 24 * 60 - 1)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _read_wait(form: "MultiDict[str, str]") -> dict[str, Any]:
    return {"minutes": _read_number(form, "amount") * UNITS.get(form.get("unit", ""), 1)}


def _read_task(form: "MultiDict[str, str]") -> dict[str, Any]:
    return {
        "name": form.get("task_name", "").strip(), "kind": form.get("task_kind", ""),
        "due_days": _read_number(form, "due_days"), "details": form.get("details", "")[:5000],
    }  # fmt: skip


def _read_condition(form: "MultiDict[str, str]") -> dict[str, Any]:
    return {
        "kind": form.get("done", ""), "step": form.get("step", type=int), "yes": form.get("yes", type=int),
        "no": form.get("no", type=int),
    }  # fmt: skip


SETTINGS: dict[StepKind, Callable[["MultiDict[str, str]"], dict[str, Any]]] = {
    StepKind.WAIT: _read_wait,
    StepKind.TASK: _read_task,
    StepKind.CONDITION: _read_condition,
}


def _read_number(form: "MultiDict[str, str]", name: str) -> int:
    text = form.get(name, "").strip()
    return int(text) if text.isdecimal() and len(text) < 8 else -1


def _read_time(text: str) -> int:
    hours, _colon, minutes = text.partition(":")
    if hours.isdecimal() and minutes[:2].isdecimal() and len(hours) <= 2:
        return int(hours) * 60 + int(minutes[:2])
    return -1
