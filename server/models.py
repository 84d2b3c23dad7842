"""Imports every table, so that migrations and tests see the whole schema."""

from sqlmodel import SQLModel

from server.accounts import models as accounts
from server.campaigns import models as campaigns
from server.consent import models as consent
from server.dead_letters import models as dead_letters
from server.documents import models as documents
from server.documents.viewer import models as viewer
from server.events import models as events
from server.feed import models as feed
from server.gmail import models as gmail
from server.library import models as library
from server.messages import models as messages
from server.messages.attachments import models as attachments
from server.people import models as people
from server.sandbox import models as sandbox
from server.scoring import models as scoring
from server.sidebar import models as sidebar
from server.tasks import models as tasks
from server.tracking.site import models as site

metadata = SQLModel.metadata

__all__ = [
    "accounts", "attachments", "campaigns", "consent", "dead_letters", "documents", "events", "feed", "gmail",
    "library", "messages", "metadata", "people", "sandbox", "scoring", "sidebar", "site", "tasks", "viewer",
]  # fmt: skip
