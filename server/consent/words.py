"""The sentences to which recipients say yes on our pages; the ledger keeps them as shown, with their version."""

from flask_babel import lazy_gettext as _

VERSION = "2026-11"
WISHES = {
    "unsubscribe": _("Send me no more mail."),
    "silence": _("Do not collect when I open mail, which links I follow or what I read."),
    "agree": _("You may collect when I open your mail, which links I follow and which pages I read."),
    "erase": _("Erase everything that you have about me."),
}
