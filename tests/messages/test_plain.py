"""The text beside the HTML says the same, readably."""

import pytest

from server.messages.plain import from_text, to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hi <b>Flynn</b>,<br>next line</p><p>Bye</p>", "Hi Flynn,\nnext line\n\nBye\n"),
        ('<a href="https://x.example/a?b=1&amp;c=2">page</a>', "page <https://x.example/a?b=1&c=2>\n"),
        ('<a href="https://x.example/">https://x.example/</a>', "https://x.example/\n"),
        ('<a href="mailto:a@x.example">a@x.example</a>', "a@x.example\n"),
        ('<a href="#top">top</a>', "top\n"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two\n"),
        ("Hi<blockquote><p>old</p><blockquote>older</blockquote></blockquote>!", "Hi\n\n> old\n>\n> > older\n>\n!\n"),
        ("<pre>a\n  b</pre>", "a\n  b\n"),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3\n"),
        ('<p><img src="x" alt="Our logo"></p>', "Our logo\n"),
        ("a  \n\t b&nbsp;c", "a b\u00a0c\n"),
        ("", "\n"),
    ],
)  # fmt: skip
def test_html_reads_well_as_text(html: str, text: str) -> None:
    assert to_text(html) == text


def test_depth_does_not_matter() -> None:
    assert to_text("<div>" * 20_000 + "deep") == "deep\n"


def test_text_becomes_paragraphs_and_nothing_in_it_is_markup() -> None:
    assert from_text("a <b>\r\nc & d\n \n\ne") == "<p>a &lt;b&gt;<br>c &amp; d</p><p>e</p>"
    assert from_text("  \n ") == ""
