"""Between the HTML of a mail and its text, which stands beside it for programs that show no HTML."""

import re
from html import escape

from selectolax.lexbor import LexborNode

from server.messages.html import parse_body
from server.messages.links import read_target

BLOCKS = frozenset(
    """
    address blockquote center dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li main ol p pre section
    table tr ul
    """.split()  # noqa: SIM905
)
SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote", "pre"})


def to_text(html: str) -> str:
    """Return the text of `html`: paragraphs and lists as lines, quotes after `>`, the target of a link behind it."""
    writer = _Writer()
    writer.write(parse_body(html))
    return writer.text()


def from_text(text: str) -> str:
    """Return `text` as HTML: an empty line ends a paragraph, any other line end is a break."""
    paragraphs = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return "".join(f"<p>{escape(paragraph).replace(chr(10), '<br>')}</p>" for paragraph in paragraphs if paragraph)


class _Writer:
    """Collects lines while it walks the tree; `prefix` stands before each line of a quote."""

    def __init__(self) -> None:
        self.lines: list[str] = [""]
        self.prefix = ""
        self.preformatted = 0

    def text(self) -> str:
        """Return what was written, with at most one empty line between two others."""
        kept: list[str] = []
        for line in map(str.rstrip, self.lines):
            if line.strip("> ") or (kept and kept[-1].strip("> ")):
                kept.append(line)
        if kept and not kept[-1].strip("> "):
            kept.pop()
        return "\n".join(kept) + "\n"

    def write(self, root: LexborNode) -> None:
        """Write `root` and all in it, however deep: the walk keeps a stack of its own."""
        stack: list[tuple[LexborNode, bool]] = [(root, False)]
        while stack:
            node, is_end = stack.pop()
            if is_end:
                self._close(node)
                continue
            if node.tag == "-text":
                self._add(node.text_content or "")
                continue
            self._open(node)
            stack.append((node, True))
            children = list(node.iter(include_text=True))
            stack.extend((child, False) for child in reversed(children))

    def _open(self, node: LexborNode) -> None:
        tag = node.tag or ""
        self._break(tag)
        if tag == "br":
            self._new_line()
        elif tag == "hr":
            self._add("---")
        elif tag == "blockquote":
            self.prefix += "> "
            self.lines[-1] = self.prefix
        elif tag == "li":
            self._add("- ")
        elif tag in ("td", "th") and self._has_text():
            self._add(" ")
        elif tag == "img":
            self._add(node.attributes.get("alt") or "")
        self.preformatted += tag == "pre"

    def _close(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "a" and (href := read_target(node.attributes.get("href") or "")):
            shown = node.text().strip()
            if href.removeprefix("mailto:").removeprefix("tel:") != shown and not href.startswith("#"):
                self._add(f" <{href}>")
        self.preformatted -= tag == "pre"
        if tag == "blockquote":
            self.prefix = self.prefix[:-2]
        self._break(tag)

    def _break(self, tag: str) -> None:
        if tag in BLOCKS:
            if self._has_text():
                self._new_line()
            if tag in SPACED and len(self.lines) > 1:
                self._new_line()

    def _add(self, text: str) -> None:
        if self.preformatted:
            first, *others = text.split("\n")
            self.lines[-1] += first
            self.lines += [self.prefix + line for line in others]
            return
        text = re.sub(r"[ \t\r\n\f]+", " ", text)
        self.lines[-1] += text if self._has_text() and not self.lines[-1].endswith(" ") else text.lstrip(" ")

    def _new_line(self) -> None:
        self.lines.append(self.prefix)

    def _has_text(self) -> bool:
        return self.lines[-1].strip() not in ("", ">") and len(self.lines[-1]) > len(self.prefix)
