"""The documentation as pages of the console: Markdown of `docs/` as safe HTML.

Raw HTML is not let through. Links between documents and pictures lead to pages of the
console; what lies elsewhere in the repository is not linked.
"""

import functools
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from markdown_it import MarkdownIt
from markdown_it.token import Token

NAME = re.compile(r"(?:decisions/)?[A-Za-z0-9-]+")
PICTURE = re.compile(r"[a-z0-9-]+\.(?:png|svg)")
# Marks of the program that writes tables.
_REMARK = re.compile(r"<!--.*?-->", re.DOTALL)
# What operators read comes first.
FIRST = (
    *("admin", "composing", "sending", "rules", "conditions", "import", "consent"),
    *("services", "building-pages", "landing-pages", "quarantine", "feedback"),
    *("privacy", "roles", "glossary"),
)
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


class NoSuchDocument(Exception):
    """There is no document, or no picture, of this name."""


def folder() -> Path:
    return Path(settings.BASE_DIR) / "docs"


def url(name: str, anchor: str = "") -> str:
    """Where a document is read; `anchor` is one of its headings."""
    address = reverse("admin:help_document", args=[name])
    return f"{address}#{anchor}" if anchor else address


def picture(name: str) -> Path:
    """The file of a picture; raises NoSuchDocument."""
    path = folder() / "images" / name
    if not PICTURE.fullmatch(name) or not path.is_file():
        raise NoSuchDocument(name)
    return path


def titles() -> list[tuple[str, str]]:
    """Every document but the decisions, with its title; those of operators first."""
    names = sorted(path.stem for path in folder().glob("*.md"))
    order = [name for name in FIRST if name in names]
    order += [name for name in names if name not in FIRST]
    return [(name, _read(name)[0]) for name in order]


def headings() -> list[tuple[str, str, str, str]]:
    """Every heading of them: document, its title, the heading, its anchor."""
    return [
        (name, title, heading, anchor)
        for name, title in titles()
        for heading, anchor in _read(name)[2]
    ]


def page(name: str) -> tuple[str, str]:
    """The title and the HTML of a document; raises NoSuchDocument."""
    title, html, _headings = _read(name)
    return title, html


def _read(name: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    path = folder() / f"{name}.md"
    if not NAME.fullmatch(name) or not path.is_file():
        raise NoSuchDocument(name)
    return _rendered(name, path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=200)
def _rendered(
    name: str, path: Path, changed: int
) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    tokens = _markdown.parse(_REMARK.sub("", path.read_text(encoding="utf-8")))
    title, found = name, list[tuple[str, str]]()
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = _text(inline.children or [])
            opening.attrSet("id", anchor_of(text))
            found.append((text, anchor_of(text)))
            if opening.tag == "h1":
                title = text
    within = name.rpartition("/")[0]
    for token in tokens:
        _fit(token)
        _lead(token.children or [], within)
    html = _markdown.renderer.render(_without_title(tokens), _markdown.options, {})
    html = html.replace("<table>", '<div class="scroll" tabindex="0"><table>')
    html = html.replace("</table>", "</table></div>")
    # Whatever is wider than its window is moved by the keyboard as well.
    return title, html.replace("<pre>", '<pre tabindex="0">'), tuple(found)


def anchor_of(heading: str) -> str:
    """The anchor of a heading, as the repository's own pages make it."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def _text(children: Sequence[Token]) -> str:
    return "".join(c.content for c in children if c.type in ("text", "code_inline"))


def _without_title(tokens: list[Token]) -> list[Token]:
    """The page has its own h1."""
    is_title = bool(tokens) and tokens[0].type == "heading_open"
    return tokens[3:] if is_title and tokens[0].tag == "h1" else tokens


def _fit(token: Token) -> None:
    """No style stands beside an element: the policy refuses it."""
    if style := token.attrs.pop("style", None):
        token.attrSet("class", "amount" if "right" in str(style) else "of-text")


def _lead(children: list[Token], within: str) -> None:
    """Links and pictures to where the console has them."""
    for token in children:
        if token.type == "image":
            name = str(token.attrs.get("src", "")).rpartition("/")[2]
            token.attrSet(
                "src", reverse("admin:help_picture", args=[name or "none.png"])
            )
            token.attrSet("loading", "lazy")
        elif token.type == "link_open":
            target = _target(str(token.attrs.get("href", "")), within)
            token.attrs = {"href": target} if target else {}


def _target(href: str, within: str) -> str:
    """The address of what a document links; empty: it lies elsewhere."""
    if href.startswith(("https://", "http://", "mailto:", "#")):
        return href
    path, _hash, anchor = href.partition("#")
    up = path.startswith("../")
    name = path.removeprefix("../").removeprefix("docs/").removesuffix(".md")
    if within and not up:
        name = f"{within}/{name}"
    if not path.endswith(".md") or (up and not within) or not NAME.fullmatch(name):
        return ""
    return url(name, anchor) if (folder() / f"{name}.md").is_file() else ""
