"""The plain text of an HTML mail: what a reader without HTML gets."""

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    "address article aside blockquote center dd div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table tbody "
    "tfoot thead tr ul".split()
)
_APART = frozenset("blockquote h1 h2 h3 h4 h5 h6 ol p pre table ul".split())
_UNSEEN = frozenset("head script style template title".split())
_SPACE = re.compile(r"[ \t\r\n\f]+")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = [""]
        self.unseen = 0
        self.links: list[tuple[str, int]] = []
        self.lists: list[int] = []

    # ------------------------------------------------------------ lines
    def _break(self, *, apart: bool = False) -> None:
        """Begin a line, below an empty one if it is apart."""
        if self.lines[-1].strip():
            self.lines.append("")
        if apart and len(self.lines) > 1 and self.lines[-2].strip():
            self.lines.append("")

    def _say(self, text: str) -> None:
        text = _SPACE.sub(" ", text)
        if not self.lines[-1]:
            text = text.lstrip(" ")
        elif self.lines[-1].endswith(" "):
            text = text.removeprefix(" ")
        self.lines[-1] += text

    # ------------------------------------------------------------ tags
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _UNSEEN:
            self.unseen += 1
        elif tag == "br":
            self.lines.append("")
        elif tag == "img":
            self._say(given.get("alt") or "")
        elif tag == "a":
            self.links.append((given.get("href") or "", len(self.lines[-1])))
        elif tag in ("td", "th"):
            self._say(" ")
        if tag in _BLOCKS:
            self._break(apart=tag in _APART and not self.lists)
        if tag in ("ul", "ol"):
            self.lists.append(0 if tag == "ol" else -1)
        elif tag == "li":
            self._mark()
        elif tag == "hr":
            self.lines[-1] = "---"
            self._break()

    def _mark(self) -> None:
        """What stands before an item: a dash, or its number."""
        depth = max(len(self.lists) - 1, 0)
        number = -1
        if self.lists and self.lists[-1] >= 0:
            number = self.lists[-1] = self.lists[-1] + 1
        self.lines[-1] = "  " * depth + ("- " if number < 0 else f"{number}. ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self.unseen = max(self.unseen - 1, 0)
        elif tag == "a" and self.links:
            self._close_link(*self.links.pop())
        if tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        if tag in _BLOCKS:
            self._break(apart=tag in _APART and not self.lists)

    def _close_link(self, address: str, start: int) -> None:
        """Say where a link leads, unless its words say that already."""
        said = self.lines[-1][start:].strip()
        if address.startswith("#") or not address or address == said:
            return
        self._say(f"{': ' if said else ''}<{address.removeprefix('mailto:')}>")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self._say(data)


def text_of(html: str) -> str:
    """The text of an HTML mail; paragraphs stay apart, links say their address."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [line.rstrip() for line in reader.lines]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"
