"""Routes of the REST API for the Target list, the sum behind a score, and scores that another system gives."""

from flask_login import current_user
from spectree import Response as Answers

from server.api import scores
from server.api.openapi import spec
from server.api.routes.blueprint import bp
from server.api.shapes import inputs
from server.api.shapes import scores as shapes
from server.db import get_session
from server.scoring.explain import explain
from server.scoring.queries import get_person
from server.scoring.ranking import read_top
from server.security import allow


@bp.get("/targets")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=shapes.TargetPage), operation_id="listTargets")
def list_targets() -> shapes.TargetPage:
    """List the people assigned to you with the highest lead scores, at most 50."""
    targets = read_top(get_session(), current_user)
    return shapes.TargetPage(items=[scores.show_target(target) for target in targets])


@bp.get(f"/people/<int(min=1, max={inputs.LARGEST_ID}):person_id>/score")
@allow("rep")
@spec.validate(resp=Answers(HTTP_200=shapes.ScoreAnswer), operation_id="getScore")
def show_score(query: shapes.ScoreQuery, person_id: int) -> shapes.ScoreAnswer:
    """The sum behind a person's lead score."""
    session = get_session()
    person = get_person(session, current_user, person_id)
    return scores.show_sum(explain(session, person, query.cursor))


@bp.put("/people/scores")
@allow("manager")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=shapes.TakenScores), operation_id="putScores")
def put_scores(json: shapes.NewScores) -> shapes.TakenScores:
    """Give people the lead scores that another system computed, up to 1,000 at once.

    They rank people while the workspace's source of scores is “external” (Settings, Scoring).
    """
    session = get_session()
    taken = scores.take(session, current_user.workspace_id, json.scores)
    session.commit()
    return taken
