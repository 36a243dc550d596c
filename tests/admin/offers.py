"""What a page offers: where its links lead, and the forms that a button sends."""

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.urls import Resolver404, resolve

SENDING = ("submit", "image")


class _Offers(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.form: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and given.get("href"):
            self.found.append(("get", given["href"]))
        elif tag == "form":
            self.form = (given.get("method", "get").lower(), given.get("action", ""))
        elif self.form and _sends(tag, given):
            self.found.append((self.form[0], given.get("formaction") or self.form[1]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None


def _sends(tag: str, given: dict[str, str]) -> bool:
    kind = given.get("type", "submit" if tag == "button" else "")
    return tag in ("button", "input") and kind in SENDING


def dead(
    answer: Any, page: str, may: Callable[[str, str], bool]
) -> list[tuple[str, str, str]]:
    """Links and buttons of a page whose address refuses: `may` is asked for each."""
    kind = answer.get("Content-Type", "")
    if answer.streaming or answer.status_code != 200 or "text/html" not in kind:
        return []
    offers = _Offers()
    offers.feed(answer.content.decode())
    named = {(m, _name(urlsplit(urljoin(page, to)).path)) for m, to in offers.found}
    return [(page, m, name) for m, name in sorted(named) if name and not may(m, name)]


def _name(path: str) -> str:
    """The name of an address of the console; empty for any other."""
    try:
        found = resolve(path)
    except Resolver404:
        return ""
    return (found.url_name or "") if "admin" in found.namespaces else ""
