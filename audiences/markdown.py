"""Operators' texts: Markdown in, safe HTML out. Nothing in them can run."""

import functools

import nh3
from markdown_it import MarkdownIt

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
