"""The shapes of what the REST API takes of saved lists; OpenAPI is made from them."""

from typing import Annotated

from pydantic import Field, StringConstraints

from server.api.shapes.campaigns import Audience, Strict
from server.api.shapes.inputs import Line
from server.campaigns.lists import NAME_LENGTH

AT_ONCE = 5000

ListName = Annotated[Line, StringConstraints(min_length=1, max_length=NAME_LENGTH)]
Addresses = Annotated[
    list[Annotated[Line, StringConstraints(max_length=254)]],
    Field(max_length=AT_ONCE, description="Of people who are here; whom nobody knows is answered in `unknown`."),
]


class ListedPeople(Strict):
    """Who is to be on a list: the people of these addresses, and whom the filter means now."""

    addresses: Addresses = []
    audience: Audience = {}


class NewList(ListedPeople):
    """A list to add."""

    name: ListName
