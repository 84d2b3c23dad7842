"""Where signing in may lead: paths of this app, whatever a link says."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.accounts.next_path import safe_next

OWN = ["/", "/team", "/settings/profile", "/messages/12/", "/?before=abc%3D", "/m?q=a/b//c?d", "/caf%C3%A9", "/a.b/.."]
FOREIGN = [
    None, "", "team", "https://mallory.example", "HTTPS:mallory.example", "//mallory.example", "///mallory.example",
    "////mallory.example", "/\\mallory.example", "\\\\mallory.example", "\\/mallory.example", "/\\/mallory.example",
    "/\t/mallory.example", "/\n/mallory.example", "/\r/mallory.example", "\t//mallory.example", " //mallory.example",
    "\x00//mallory.example", "\x1f//mallory.example", "/%09\\mallory.example\x7f", "javascript:alert(1)",
    "JaVaScRiPt:alert(1)", "data:text/html,x", "/.//mallory.example", "/..//mallory.example", "/a//mallory.example",
    "/a/..//mallory.example", "http:mallory.example", "http:/mallory.example", "/team#//mallory.example", "?//x",
    "@mallory.example", "/ｍallory", "/\u2028/mallory.example", "/\u3000/x", "/a b", '/"><script>', "/team\n",
    "/x" * 2000,    "/sign-in?next=/sign-in", "/sign-out", "/setup/x", "/invitations/x",
]  # fmt: skip


@pytest.mark.parametrize("path", OWN)
def test_own_path_is_kept(path: str) -> None:
    assert safe_next(path) == path


@pytest.mark.parametrize("path", FOREIGN)
def test_anything_else_leads_to_the_feed(path: str | None) -> None:
    assert safe_next(path) == "/"


@given(st.text(alphabet=st.sampled_from("/\\.:@?#%aZ \t\n\r\x00é"), max_size=12).map(lambda text: f"/{text}"))
def test_no_text_leads_a_browser_elsewhere(text: str) -> None:
    """A browser drops tabs and newlines, trims, and reads a backslash as a slash before it splits an address."""
    read = "".join(letter for letter in safe_next(text) if letter not in "\t\n\r").strip().replace("\\", "/")
    assert urlsplit(urljoin("https://warmline.acme.example/sign-in", read)).netloc == "warmline.acme.example"
