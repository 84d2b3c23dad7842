"""Requests checked against their shapes, and the OpenAPI document made from the same shapes; spectree does both."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from spectree import SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData

from server.api.shapes.inputs import Taken
from server.api.shapes.outputs import Problem
from server.errors import Invalid

PROBLEMS = {
    400: "The request cannot be read: it is not JSON.",
    401: "No bearer token, or one that is unknown or revoked.",
    403: "The token's member may not do this.",
    404: "There is nothing here, or nothing that this member may see.",
    409: "What was asked conflicts with how things stand.",
    413: "The request is too large.",
    415: "The request is not `application/json`.",
    422: "A field, parameter or header is wrong; `errors` names each.",
    429: "Too many requests; `Retry-After` says when to come back.",
}
ALWAYS = (401, 403, 422, 429)
WITH_A_BODY = (400, 409, 413, 415)
WITH_AN_ID = (404,)
CHANGING = (409,)


def refuse_invalid(_request: object, _answer: object, error: Exception | None, *_rest: object) -> None:
    """Raise `Invalid` naming every field at fault (spectree calls this before each view)."""
    if isinstance(error, ValidationError):
        known = {model.__name__: list(model.model_fields) for model in _descend(Taken)}.get(error.title, [])
        raise Invalid([(name_field(entry["loc"]), say(entry, known)) for entry in error.errors()])


def _descend(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        yield child
        yield from _descend(child)


def name_field(location: tuple[int | str, ...]) -> str:
    """Return where in the request a value stood: `cc[2].email`; the tags of unions are ours, not the caller's."""
    parts = [part for part in location if not str(part).startswith("(")]
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")


def say(entry: Any, known: list[str]) -> str:
    """Return what is wrong in the caller's words; `known` are the names of the fields where one is not known."""
    if entry["type"] == "extra_forbidden":
        names = ", ".join(known) if len(entry["loc"]) == 1 else ""
        return "is not known here" + (f"; known are {names}" if names else "")
    message: str = entry["msg"]
    return message.removeprefix("Value error, ")


spec = SpecTree(
    "flask",
    title="Warmline",
    version="1",
    description="Send tracked mail and read who viewed, clicked and replied.",
    mode="strict",
    before=refuse_invalid,
    validation_error_model=Problem,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
    page_templates={},
    security_schemes=[SecurityScheme(name="token", data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer"))],
    security={"token": []},
)


@cache
def make_document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the current app's API, with the problems that each operation may answer."""
    document: dict[str, Any] = spec.spec
    document["components"]["schemas"] |= _make_schema(Problem)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            statuses = (
                ALWAYS
                + (WITH_A_BODY if "requestBody" in operation else ())
                + (WITH_AN_ID if "{" in path else ())
                + (CHANGING if method != "get" else ())
            )
            operation["responses"] |= {str(status): _describe_problem(status) for status in statuses}
    return document


def _make_schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), model.__name__: schema}


def _describe_problem(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": PROBLEMS[status], "content": content}
