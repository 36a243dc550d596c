"""One search for everything that an operator may open; each kind is found by its own.

Apps add a finder for each kind of thing. A finder is asked only for operators with its
permission, finds a few by an index, and masks what they may not read. What is searched
while somebody types never asks for a whole address that they may not see: only the
search that they send is counted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _, gettext_lazy

from audiences import sql
from audiences.console import masking, navigation
from audiences.registry import Registry

from . import documents

SHOWN = 6
SECONDS = 1.0
# Changes of one operator among which the last things are looked for.
LOOKED_AT = 60


@dataclass(frozen=True)
class Hit:
    """One thing that was found: what it is called, where it is, what tells it apart."""

    label: str
    url: str
    note: str = ""


@dataclass(frozen=True)
class Group:
    """What was found of one kind; `more` is the address of all of them."""

    title: str | Promise
    hits: Sequence[Hit] = field(default_factory=list)
    more: str = ""
    problem: str = ""


Find = Callable[[HttpRequest, str], list[Hit]]


@dataclass(frozen=True)
class Finder:
    """How one kind of thing is found. `is_of_people`: by addresses too."""

    title: str | Promise
    model: type[Model]
    find: Find
    is_of_people: bool = False

    @property
    def _named(self) -> tuple[str, str]:
        return self.model._meta.app_label, str(self.model._meta.model_name)

    @property
    def permission(self) -> str:
        return "{}.view_{}".format(*self._named)

    def row_url(self, pk: Any) -> str:
        return reverse("admin:{}_{}_change".format(*self._named), args=[pk])

    def list_url(self, text: str) -> str:
        url = reverse("admin:{}_{}_changelist".format(*self._named))
        return f"{url}?{urlencode({'q': text})}"


_finders: Registry[int, Finder] = Registry("finder at position")


def add(position: int, finder: Finder) -> None:
    """Let the search find what this finds, at a place among the others."""
    _finders.add(position, finder)


def _allowed(request: HttpRequest) -> list[Finder]:
    found = [finder for _position, finder in sorted(_finders.items())]
    return [f for f in found if request.user.has_perm(f.permission)]


def results(request: HttpRequest, text: str, *, is_typing: bool) -> list[Group]:
    """What the text finds, of each kind; kinds without a hit are left out."""
    if not text:
        return [group for group in (_recent(request),) if group.hits]
    found = []
    is_address = masking.names_an_address(text)
    for finder in _allowed(request):
        hidden = is_address and not masking.may_see_addresses(request)
        if finder.is_of_people and is_typing and hidden:
            continue
        found.append(_found(request, finder, text))
    found += [_pages(request, text), _help(text)]
    return [group for group in found if group.hits or group.problem]


def _found(request: HttpRequest, finder: Finder, text: str) -> Group:
    more = finder.list_url(text)
    try:
        with sql.time_limit(SECONDS):
            hits = finder.find(request, text)
    except sql.TooSlow:
        problem = _("There are too many to look through while you wait.")
        return Group(finder.title, more=more, problem=problem)
    is_more = len(hits) > SHOWN
    return Group(finder.title, hits[:SHOWN], more if is_more else "")


def _pages(request: HttpRequest, text: str) -> Group:
    """Pages of the menu by their names."""
    hits = [
        Hit(str(entry["label"]), entry["url"], str(section["label"]))
        for section in navigation.menu(request)
        for entry in section["entries"]
        if text.casefold() in str(entry["label"]).casefold()
    ]
    return Group(gettext_lazy("Pages of the console"), hits[:SHOWN])


def _help(text: str) -> Group:
    """Headings of the documentation."""
    hits = [
        Hit(heading, documents.url(name, anchor), title)
        for name, title, heading, anchor in documents.headings()
        if text.casefold() in heading.casefold()
    ]
    return Group(gettext_lazy("Help"), hits[:SHOWN])


# ------------------------------------------------------------------ what was last
def _recent(request: HttpRequest) -> Group:
    """What this operator changed last, of the kinds that the search knows."""
    finders = {ContentType.objects.get_for_model(f.model): f for f in _allowed(request)}
    rows = LogEntry.objects.filter(user=request.user.pk, content_type__in=finders)
    last = rows.order_by("-pk").values_list("content_type", "object_id")[:LOOKED_AT]
    by_type = {kind.pk: finder for kind, finder in finders.items()}
    keys = [(by_type[kind], pk) for kind, pk in dict.fromkeys(last) if pk]
    hits = list(_hits(keys))[: SHOWN + 2]
    return Group(gettext_lazy("What you changed last"), hits)


def _hits(keys: Sequence[tuple[Finder, str]]) -> Iterator[Hit]:
    """Those that are still there; a query for each kind."""
    wanted: dict[Finder, list[str]] = {}
    for finder, pk in keys:
        wanted.setdefault(finder, []).append(pk)
    rows = {
        (finder, str(pk)): row
        for finder, numbers in wanted.items()
        for pk, row in finder.model._default_manager.in_bulk(numbers).items()
    }
    for finder, pk in keys:
        if row := rows.get((finder, pk)):
            yield Hit(str(row), finder.row_url(row.pk), str(finder.title))
