"""What a verdict's reasons mean, in the reader's language. A stored reason is a code, some with `:value` behind it."""

from flask_babel import lazy_gettext as _

REASONS = {
    "replied": _("They answered."),
    "auto_replied": _("A program answered for them."),
    "bounced": _("A mail server sent it back."),
    "own_device": _("It came from a browser in which a member has signed in."),
    "head_request": _("Only the headers were asked for, as checking programs do."),
    "prefetch_header": _("The browser said that it loads ahead, without a person looking."),
    "gmail_prefetch": _("Gmail fetched the image ahead, before anybody opened the mail."),
    "gmail_proxy": _("Gmail's image proxy fetched it, as a rule because a person opened the mail."),
    "yahoo_proxy": _("Yahoo's image proxy fetched it, as a rule because a person opened the mail."),
    "apple_proxy": _("Apple's privacy proxy fetches every image, so this says nothing about reading."),
    "proxy_followed_link": _("An image proxy followed a link; people's clicks do not come that way."),
    "scanner_network": _("It came from the network of a link scanner: %(value)s."),
    "scanner_network_probable": _("It came from a network in which links are scanned and people browse: %(value)s."),
    "link_burst": _("%(value)s different links were followed within three seconds."),
    "no_agent": _("The program did not say what it is."),
    "library_agent": _("The program is a plain HTTP library; mail apps use those, and so do scripts."),
    "crawler_agent": _("The program is on the list of known crawlers."),
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
