"""The audience as a form: groups of conditions, of which all groups, or any of them, must hold; in a group likewise.

The form says everything that the page offers. A filter from the API that says more is shown as text and kept.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from server.campaigns.audience import DEPTH

MOST_GROUPS = 10
MOST_ROWS = 10
SUBJECTS = ("owner", "field", "did", "not_did", "score", "list")


@dataclass(frozen=True, slots=True)
class Row:
    """One condition as typed: what it is about, how it compares, with what."""

    about: str = "owner"
    name: str = "company"
    test: str = "contains"
    value: str = "me"
    days: str = "90"


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions of which `all`, or `any`, must hold."""

    join: str = "all"
    rows: Sequence[Row] = field(default_factory=lambda: [Row()])


@dataclass(frozen=True, slots=True)
class AudienceForm:
    """What the form shows; `raw` is a filter that it cannot show otherwise."""

    join: str = "all"
    groups: Sequence[Group] = field(default_factory=lambda: [Group()])
    raw: str = ""


def read_form(form: "MultiDict[str, str]") -> AudienceForm:
    """Return what was typed; `change` may ask for a row or group more or less."""
    groups = []
    for index in range(min(form.get("groups", 1, type=int) or 0, MOST_GROUPS)):
        rows = [_read_row(form, f"{index}.{number}") for number in range(_count_rows(form, index))]
        groups.append(Group(_join(form.get(f"{index}.join", "all")), rows))
    change = form.get("change", "")
    return AudienceForm(_join(form.get("join", "all")), _change(groups, change), "")


def make_filter(typed: AudienceForm) -> dict[str, Any]:
    """Return the filter that the form means (`audience`)."""
    groups = [{group.join: [_make_condition(row) for row in group.rows]} for group in typed.groups if group.rows]
    return groups[0] if len(groups) == 1 else {typed.join: groups}


def show_filter(tree: Mapping[str, Any]) -> AudienceForm:
    """Return the form of a filter, or its text where the form cannot say it."""
    if not tree:
        return AudienceForm()
    try:
        join, parts = _split(tree)
        if all(_is_condition(part) for part in parts):
            return AudienceForm("all", [Group(join, [_show(part) for part in parts])])
        return AudienceForm(join, [_show_group(part) for part in parts])
    except (ValueError, KeyError, TypeError, AttributeError):
        return AudienceForm(raw=json.dumps(tree, indent=1, ensure_ascii=False)[: 2000 * DEPTH])


def _show_group(tree: Mapping[str, Any]) -> Group:
    join, parts = _split(tree)
    return Group(join, [_show(part) for part in parts])


def _split(tree: Mapping[str, Any]) -> tuple[str, list[Any]]:
    if _is_condition(tree):
        return "all", [tree]
    (join, parts), *more = tree.items()
    if more or join not in ("all", "any") or not isinstance(parts, list):
        raise ValueError(join)
    return join, parts


def _is_condition(tree: Mapping[str, Any]) -> bool:
    return not ({"all", "any"} & set(tree))


def _show(tree: Mapping[str, Any]) -> Row:
    if "not" in tree:
        did = tree["not"]
        return Row("not_did", name=did["did"], value=str(did.get("times", 1)), days=str(did.get("days", 90)))
    if "did" in tree:
        return Row("did", name=tree["did"], value=str(tree.get("times", 1)), days=str(tree.get("days", 90)))
    if "owner" in tree:
        return Row("owner", value=str(tree["owner"]))
    if "score_at_least" in tree:
        return Row("score", value=str(tree["score_at_least"]))
    if "list" in tree:
        return Row("list", value=str(tree["list"]))
    return Row("field", str(tree["field"]), str(tree.get("is", "contains")), str(tree.get("value", "")))


def _make_condition(row: Row) -> dict[str, Any]:
    engagement = {"did": row.name, "times": row.value, "days": row.days}
    conditions: dict[str, dict[str, Any]] = {
        "owner": {"owner": row.value},
        "field": {"field": row.name, "is": row.test, "value": row.value},
        "did": engagement,
        "not_did": {"not": engagement},
        "score": {"score_at_least": row.value},
        "list": {"list": row.value},
    }
    return conditions[row.about]


def _read_row(form: "MultiDict[str, str]", key: str) -> Row:
    about = form.get(f"{key}.about", "owner")
    about = about if about in SUBJECTS else "owner"
    fallback = {"owner": "me", "did": "1", "not_did": "1", "score": "10"}.get(about, "")
    name = {"did": "clicked", "not_did": "clicked"}.get(about, "company")
    was = form.get(f"{key}.was", about)
    if was != about:  # another kind of condition was chosen: what was typed for the old one means nothing
        return Row(about, name, "contains", fallback, "90")
    return Row(
        about, form.get(f"{key}.name", name)[:80], form.get(f"{key}.test", "contains"),
        form.get(f"{key}.value", fallback)[:200], form.get(f"{key}.days", "90")[:5],
    )  # fmt: skip


def _count_rows(form: "MultiDict[str, str]", index: int) -> int:
    return min(form.get(f"{index}.rows", 1, type=int) or 0, MOST_ROWS)


def _change(groups: list[Group], change: str) -> list[Group]:
    act, _colon, place = change.partition(":")
    index, _dot, number = place.partition(".")
    if act == "add-group" and len(groups) < MOST_GROUPS:
        return [*groups, Group()]
    if act == "add-row" and index.isdigit() and int(index) < len(groups):
        group = groups[int(index)]
        groups[int(index)] = Group(group.join, [*group.rows, Row("field", value="")][:MOST_ROWS])
    if act == "drop-row" and index.isdigit() and number.isdigit() and int(index) < len(groups):
        group = groups[int(index)]
        rows = [row for place_, row in enumerate(group.rows) if place_ != int(number)]
        groups[int(index)] = Group(group.join, rows)
    return [group for group in groups if group.rows] or [Group()]


def _join(text: str) -> str:
    return text if text in ("all", "any") else "all"
