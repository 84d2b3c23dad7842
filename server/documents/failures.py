"""Why a file is not taken or not shown: each reason a code in the database, and a sentence with the way out."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from server.config import get_settings
from server.errors import Refused

MOST_PAGES = 300
REASONS = {
    "type": _l("This is no PDF, Word or PowerPoint file. Save it as PDF, DOC, DOCX, PPT or PPTX, then upload that."),
    "empty": _l("The file is empty. Choose another one."),
    "too_large": _l("The file is too large. Make its pictures smaller, or split it."),
    "encrypted": _l("The file is protected by a password. Save it without one; its link can ask for one."),
    "macros": _l("The file holds macros. Save it without them, or as PDF."),
    "broken": _l("The file is damaged. Open it in its own program, save it again, then upload that."),
    "no_pages": _l("The file has no pages."),
    "unpacked": _l("What is packed in the file is far larger than the file itself. Save it as PDF, then upload that."),
    "too_many_pages": _l("The file has more pages than can be shown. Split it."),
    "timeout": _l("The file takes too long to convert. Save it as PDF, or split it."),
    "memory": _l("The file needs too much memory to convert. Save it as PDF, or split it."),
    "output": _l("The pages of this file become too large. Make its pictures smaller, or split it."),
    "crashed": _l("The file could not be converted. Save it as PDF, then upload that."),
    "no_converter": _l("Office files cannot be converted on this server. Save the file as PDF, or ask an operator "
                       "to install LibreOffice or Node.js."),
    "lost": _l("The uploaded file is gone. Upload it again."),
}  # fmt: skip


class Unfit(Exception):
    """A file cannot be shown; `reason` is a key of `REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason if reason in REASONS else "crashed"


def explain(reason: str) -> str:
    """Return the sentence for a reason, with its figures."""
    if reason == "too_large":
        return _("A document has at most %(most)s MB. Make its pictures smaller, or split it.",
                 most=get_settings().document_max_mb)  # fmt: skip
    if reason == "too_many_pages":
        return _("A document has at most %(most)s pages. Split it.", most=MOST_PAGES)
    return str(REASONS.get(reason, REASONS["crashed"]))


def refuse(reason: str) -> Refused:
    """Return the refusal of an uploaded file."""
    return Refused(explain(reason), status=413 if reason == "too_large" else 422, field="file")
