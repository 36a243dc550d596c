"""What a reader sees of a message: its text, and where its links lead.

HTML is read as browsers do it (html5ever, through nh3), not by pattern: a link inside a
comment, a style sheet or something hidden is none. Places are taken out first, so that
whatever stands between their braces cannot break the HTML around them.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser

import nh3

from delivery.content import PLACE, looks_like_html

# Stand around the number of a place, also in the middle of an address; none has them.
_BEGIN, _END = "zq0place", "place0qz"
_TOKEN = re.compile(f"{_BEGIN}(\\d+){_END}")
_HTTP = re.compile(r"http://[^\s<>\"'()]*", re.IGNORECASE)
_TAGS = nh3.ALLOWED_TAGS | {"button", "font", "form", "input", "section", "main"}
_NEVER_SEEN = {"script", "style", "title", "template", "textarea", "noscript", "object"}
_LINKS = ("href", "src", "background", "action", "poster")
_SCHEMES = nh3.ALLOWED_URL_SCHEMES | {"cid", "data", "sms", "webcal"}
_VOID = {"area", "br", "col", "hr", "img", "input", "wbr"}
_HIDDEN = ("display:none", "visibility:hidden")
# The rest of a message with more tags is not read; the time grows with their square.
MOST_TAGS = 10_000


@dataclass
class Message:
    """A message as it is read.

    `places` are all its places, as they are written; `offered` the numbers of those
    that a reader sees, or can follow. `links` are the addresses in it.
    """

    places: list[str]
    offered: set[int] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    text: str = ""


@lru_cache(maxsize=8)
def read(content: str, *, is_email: bool) -> Message:
    """Read the content of a message; several checks ask for the same one."""
    places: list[str] = []

    def take(place: re.Match[str]) -> str:
        places.append(place[1])
        return f"{_BEGIN}{len(places) - 1}{_END}"

    plain = content.replace(_BEGIN, "").replace(_END, "")
    plain = PLACE.sub(take, plain)
    found = Message(places)
    if is_email and looks_like_html(content):
        reader = _Reader(found)
        reader.feed(_clean(plain))
        reader.close()
    else:
        _look_at(found, plain)
    found.links = [
        _TOKEN.sub(lambda token: f"{{{{{places[int(token[1])]}}}}}", link)
        for link in found.links
    ]
    return found


def _look_at(message: Message, text: str) -> None:
    """What is offered in a text that is seen."""
    message.text += text
    message.offered |= {int(number) for number in _TOKEN.findall(text)}
    message.links += [link.rstrip(".,;:!?)") for link in _HTTP.findall(text)]


def _clean(html: str) -> str:
    """The body as a browser would build it, without comments and style sheets."""
    parts = html.split("<", MOST_TAGS + 1)
    return nh3.clean(
        "<".join(parts[: MOST_TAGS + 1]),
        tags=_TAGS,
        clean_content_tags=_NEVER_SEEN,
        attributes={"*": {*_LINKS, "hidden", "style"}},
        url_schemes=_SCHEMES,
        link_rel=None,
    )


class _Reader(HTMLParser):
    """Walks through clean HTML: every tag is closed, nothing is hidden in comments."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self.message = message
        # The open tags, and whether what is in them is hidden.
        self.open: list[tuple[str, bool]] = []
        # The places that the open link leads to, until there is something to click on.
        self.waiting: set[int] = set()

    @property
    def is_hidden(self) -> bool:
        return bool(self.open) and self.open[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        style = re.sub(r"\s", "", given.get("style", "")).lower()
        is_hidden = (
            self.is_hidden
            or "hidden" in given
            or any(words in style for words in _HIDDEN)
        )
        self.message.links += _HTTP.findall(style)
        self.message.links += [
            "".join(given[name].split()) for name in _LINKS if name in given
        ]
        if tag in ("a", "area") and not is_hidden:
            leads_to = _TOKEN.match(given.get("href", "").strip())
            self.waiting = {int(leads_to[1])} if leads_to else set()
        if tag in ("img", "area", "input", "button") and not is_hidden:
            self._offer()
        if tag not in _VOID:
            self.open.append((tag, is_hidden))

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1][0] == tag:
            self.open.pop()
        if tag == "a":
            self.waiting = set()

    def handle_data(self, data: str) -> None:
        if self.is_hidden:
            return
        _look_at(self.message, data)
        if data.strip():
            self._offer()

    def _offer(self) -> None:
        self.message.offered |= self.waiting
