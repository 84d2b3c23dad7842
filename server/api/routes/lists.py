"""Routes of the REST API for saved lists of people."""

from typing import Any

from flask import url_for
from flask_login import current_user
from spectree import Response as Answers
from sqlmodel import Session

from server.api.openapi import spec
from server.api.routes.blueprint import bp
from server.api.shapes import campaign_answers as answers
from server.api.shapes import inputs
from server.api.shapes import lists as shapes
from server.campaigns import lists
from server.campaigns.models import AudienceList
from server.db import get_session
from server.people.people import LARGEST_ID
from server.security import allow

LIST = "/lists/<int:list_id>"


@bp.get("/lists")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.ListPage), operation_id="listLists")
def list_lists() -> answers.ListPage:
    """List the workspace's saved lists by name."""
    found = lists.read_lists(get_session(), current_user.workspace_id)
    return answers.ListPage(items=[_show(listed) for listed in found], next=None)


@bp.post("/lists")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_201=answers.ListFilled), operation_id="addList")
def add_saved_list(json: shapes.NewList) -> Any:
    """Add a list of people; the filter `{"list": id}` then means them."""
    session = get_session()
    listed = lists.add_list(session, current_user, json.name)
    unknown = _fill(session, listed, json)
    session.commit()
    location = url_for("api.show_list", list_id=listed.id)
    return _show_filled(listed, unknown), 201, {"Location": location}


@bp.get(LIST)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.ListAnswer), operation_id="getList")
def show_list(list_id: int) -> answers.ListAnswer:
    """One list."""
    return _show(_get(get_session(), list_id))


@bp.post(f"{LIST}/people")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.ListFilled), operation_id="addToList")
def add_people_to_list(json: shapes.ListedPeople, list_id: int) -> answers.ListFilled:
    """Put people on a list; who is on it already is on it once."""
    session = get_session()
    listed = _get(session, list_id)
    unknown = _fill(session, listed, json)
    session.commit()
    return _show_filled(listed, unknown)


@bp.delete(LIST)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers("HTTP_204"), operation_id="deleteList")
def delete_list(list_id: int) -> Any:
    """Delete a list; its people stay."""
    session = get_session()
    lists.remove_list(session, _get(session, list_id))
    session.commit()
    return "", 204


def _get(session: Session, list_id: int) -> AudienceList:
    return lists.get_list(session, current_user, min(list_id, LARGEST_ID))


def _fill(session: Session, listed: AudienceList, given: shapes.ListedPeople) -> list[str]:
    if given.audience:
        lists.fill_from_filter(session, listed, current_user, given.audience)
    return lists.fill_from_addresses(session, listed, given.addresses) if given.addresses else []


def _show(listed: AudienceList) -> answers.ListAnswer:
    return answers.ListAnswer.model_validate({**listed.model_dump(), "owner_id": listed.member_id})


def _show_filled(listed: AudienceList, unknown: list[str]) -> answers.ListFilled:
    return answers.ListFilled(**_show(listed).model_dump(), unknown=unknown)
