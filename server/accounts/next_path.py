"""Where to go after signing in: a path of this app, or the feed. Knows how browsers read an address (WHATWG URL)."""

import re

HOME = "/"
LENGTH_LIMIT = 2000
# Browsers drop tabs and newlines, read "\" as "/", and take what follows "//" for a host: none of these may occur.
CHARACTER = r"[A-Za-z0-9._~!$&'()*+,;=:@%-]"  # of a path segment (RFC 3986, section 3.3)
LOCAL_PATH = re.compile(rf"/(?:{CHARACTER}+(?:/{CHARACTER}+)*/?)?(?:\?(?:{CHARACTER}|[/?])*)?")


def safe_next(value: str | None) -> str:
    """Return `value` where it is surely a path of this app, else the feed."""
    if value is None or len(value) > LENGTH_LIMIT or LOCAL_PATH.fullmatch(value) is None:
        return HOME
    return HOME if value.startswith(("/sign-", "/setup/", "/invitations/")) else value
