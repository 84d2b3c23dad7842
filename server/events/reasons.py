"""What a verdict's reasons mean, in the reader's language. A stored reason is a code, some with `:value` behind it."""

from flask_babel import lazy_gettext as _

REASONS = {
    "replied": _("They answered."),
    "auto_replied": _("A program answered for them."),
    "bounced": _("A mail server sent it back."),
    "own_device": _("It came from a browser in which a member has signed in."),
    "colleague": _("A colleague of the workspace did it, in a browser in which they have signed in."),
    "opened_thread": _("You opened the conversation in Gmail %(value)s seconds before, so it was you."),
    "honeypot": _("It followed a link that no person can see."),
    "honeypot_near": _("It came within %(value)s seconds of a visit to a link that no person can see."),
    "head_request": _("Only the headers were asked for, as checking programs do."),
    "prefetch_header": _("The browser said that it loads ahead, without a person looking."),
    "gmail_prefetch": _("Gmail fetched the image ahead, before anybody opened the mail."),
    "gmail_proxy": _("Gmail's image proxy fetched it, as a rule because a person opened the mail."),
    "yahoo_proxy": _("Yahoo's image proxy fetched it, as a rule because a person opened the mail."),
    "apple_proxy": _("Apple's privacy proxy loads every image of every mail, so this says nothing about reading."),
    "proxy_followed_link": _("An image proxy followed a link; people's clicks do not come that way."),
    "scanner_network": _("It came from the network of a link scanner: %(value)s."),
    "scanner_network_probable": _("It came from a network in which links are scanned and people browse: %(value)s."),
    "mail_network": _("It came from the network of a mail service (%(value)s), where people read and programs look."),
    "link_burst": _("%(value)s different links were followed in one burst at that time."),
    "elsewhere": _("It came from another network than everything that a person surely did with this mail."),
    "soon_after_send": _("It came %(value)s seconds after the mail was sent."),
    "confirmed": _("They also clicked or answered, so a person reads this mail."),
    "no_agent": _("The program did not say what it is."),
    "library_agent": _("The program is a plain HTTP library; mail apps use those, and so do scripts."),
    "crawler_agent": _("The program is on the list of known crawlers."),
    "link_preview": _("A chat made a preview of the link: %(value)s."),
    "monitoring_agent": _("A monitoring service looked: %(value)s."),
    "scanner_agent": _("The program calls itself a scanner or an automated browser: %(value)s."),
    "mail_program": _("A mail program fetched it."),
    "browser": _("A browser fetched it: %(value)s."),
    "reported": _("Another program reported it, through the API."),
    "signed_visitor": _("Your site vouched for who the visitor was."),
    "claimed_visitor": _("The page said who the visitor was, but your site’s server did not sign it."),
    "agent_unknown": _("The program is not known."),
}


def explain(reason: str) -> str:
    """Return the sentence for a stored `reason`; a code of a newer version is shown as it is."""
    code, _colon, value = reason.partition(":")
    text = str(REASONS.get(code, reason))
    return text.replace("%(value)s", value)
