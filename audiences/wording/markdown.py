"""Operators' texts: Markdown in, safe HTML out. Nothing in them can run."""

import functools
from collections.abc import Sequence

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_ALLOWED = {
    *("p", "br", "hr", "strong", "em", "a", "ul", "ol", "li", "blockquote", "code"),
    *("h2", "h3"),
}
_ATTRIBUTES = {"a": {"href", "title"}}
_SCHEMES = {"http", "https", "mailto", "tel"}
# Without raw HTML, images and inline styles; a page has one h1, which is its title.
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).disable("image")


@functools.lru_cache(maxsize=1000)
def to_html(text: str) -> str:
    """The HTML of a Markdown text, sanitised."""
    html = _markdown.render(text)
    for level in ("1", "4", "5", "6"):
        nearest = "2" if level == "1" else "3"
        html = html.replace(f"<h{level}>", f"<h{nearest}>")
        html = html.replace(f"</h{level}>", f"</h{nearest}>")
    return sanitise(html)


def sanitise(html: str) -> str:
    """HTML with nothing but text, lists, emphasis and links to other sites.

    For what was stored as well: a later rule must hold for older versions too.
    """
    return nh3.clean(
        html,
        tags=_ALLOWED,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
    )


def to_text(text: str) -> str:
    """The plain text of a Markdown text, for the plain form of a mail.

    Paragraphs stay apart, lists keep their marks, a link says its address.
    """
    blocks: list[str] = []
    mark, depth = "", 0
    for token in _markdown.parse(text):
        if token.type.endswith("_list_open"):
            depth += 1
        elif token.type.endswith("_list_close"):
            depth -= 1
        elif token.type == "list_item_open":
            mark = "  " * (depth - 1) + (f"{token.info}. " if token.info else "- ")
        elif token.type == "inline":
            blocks.append(mark + _plain(token.children or []))
            mark = ""
        elif token.type in ("code_block", "fence"):
            blocks.append(token.content.rstrip("\n"))
        elif token.type == "hr":
            blocks.append("---")
    return "\n\n".join(blocks) + "\n"


def _plain(tokens: Sequence[Token]) -> str:
    words: list[str] = []
    address = ""
    for token in tokens:
        if token.type == "link_open":
            address = str(token.attrGet("href") or "")
            words.append("<" if token.info == "auto" else "")
        elif token.type == "link_close":
            words.append(">" if token.info == "auto" else f": <{address}>")
        elif token.type in ("softbreak", "hardbreak"):
            words.append("\n")
        else:
            words.append(token.content)
    return "".join(words)
