"""Routes of the REST API, one file a noun."""

from server.api.routes import (
    campaigns,
    consent,
    deliveries,
    documents,
    enrolments,
    events,
    lists,
    messages,
    people,
    targets,
    tasks,
    templates,
)
from server.api.routes.blueprint import bp

__all__ = [
    "bp",
    "campaigns",
    "consent",
    "deliveries",
    "documents",
    "enrolments",
    "events",
    "lists",
    "messages",
    "people",
    "targets",
    "tasks",
    "templates",
]
