"""Where what was refused is mended: a link beside the sentence.

The domain names a remedy by its code (`Refused.mended_by`); each app says in its
`admin/menu.py` which page that is. Whoever may not open it gets the sentence alone.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html

from audiences.refusals import Refused, Remedy
from audiences.registry import Registry


@dataclass(frozen=True)
class Way:
    """A page that mends something: what it is called, its view, who may open it.

    A `view` that is no name of a view is a place of the documentation: `docs:name#at`.
    """

    label: str | Promise
    view: str
    permission: str = ""

    def url(self, remedy: Remedy) -> str:
        if self.view.startswith("docs:"):
            name, _hash, anchor = self.view.removeprefix("docs:").partition("#")
            address = reverse("admin:help_document", args=[name])
            return f"{address}#{anchor}" if anchor else address
        args = [remedy.about] if remedy.about is not None else []
        address = reverse(f"admin:{self.view}", args=args)
        return f"{address}#id_{remedy.field}" if remedy.field else address


@dataclass(frozen=True)
class Link:
    """A link as templates show it."""

    label: str
    url: str


ways: Registry[str, Way] = Registry("way to mend something")


def add(**mends: Way) -> None:
    """Ways by the code under which the domain names them."""
    for code, way in mends.items():
        ways.add(code, way)


def link_of(remedy: Remedy | None, user: Any) -> Link | None:
    """The link of a remedy for somebody; None where they may not, or none is known."""
    way = ways.get(remedy.code) if remedy else None
    if way is None or remedy is None:
        return None
    if way.permission and not (user and user.has_perm(way.permission)):
        return None
    return Link(str(way.label), way.url(remedy))


def tell(request: HttpRequest, refused: Refused, level: int = messages.ERROR) -> None:
    """Say a refusal at the top of the next page, with its remedy as a link."""
    text = str(refused)
    if link := link_of(refused.remedy, request.user):
        text = format_html('{} <a href="{}">{}</a>', text, link.url, link.label)
    messages.add_message(request, level, text)
