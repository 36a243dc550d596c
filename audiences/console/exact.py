"""The one door of all lists: a query string knows only what the list itself offers.

Django filters a list by any field and lookup that somebody writes into its address.
So whoever sees addresses masked could ask for them letter by letter, and a meaningless
value was an error of ours. Here only the filters beside the list, its search, order and
page are known; `BadQuery` refuses everything else, which is the answer 400.
"""

import re
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import (
    IS_FACETS_VAR,
    IS_POPUP_VAR,
    TO_FIELD_VAR,
    IncorrectLookupParameters,
)
from django.contrib.admin.views import main
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import HttpRequest

from . import masking

LONGEST_VALUE = 1_000
_PAGE = re.compile(r"[0-9]{1,9}")
_ORDER = re.compile(r"-?[0-9]{1,3}(?:\.-?[0-9]{1,3})*")
# Parameters of Django's: nothing of ours opens a list as a popup, and "e" is how Django
# says that an address was wrong.
_UNKNOWN = {main.ERROR_FLAG, IS_POPUP_VAR, TO_FIELD_VAR}


class BadQuery(BadRequest):
    """The query string of a page has what the page does not know."""


def refuse_unreadable(request: HttpRequest) -> None:
    """Refuse what no database can look for, and what is too long to be meant."""
    for name, values in request.GET.lists():
        for text in (name, *values):
            if "\0" in text:
                raise BadQuery(name.replace("\0", ""))
    # Chosen people are a list of numbers; the server bounds the whole line.
    if len(request.GET.get(main.SEARCH_VAR, "")) > LONGEST_VALUE:
        raise BadQuery(main.SEARCH_VAR)


def only(request: HttpRequest, *known: str) -> None:
    """Refuse a query string with other names than these; raises BadQuery."""
    refuse_unreadable(request)
    if unknown := set(request.GET) - set(known):
        raise BadQuery(min(unknown))


class ExactList(ChangeList):
    """A list that refuses what is not in its filters, whatever Django can look up."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        refuse_unreadable(request)
        if unknown := _UNKNOWN & set(request.GET):
            raise BadQuery(min(unknown))
        if not _PAGE.fullmatch(request.GET.get(main.PAGE_VAR, "1")):
            raise BadQuery(main.PAGE_VAR)
        try:
            super().__init__(request, *args, **kwargs)
        except IncorrectLookupParameters as error:
            raise BadQuery from error
        if not 1 <= self.page_num <= self.paginator.num_pages:
            raise BadQuery(main.PAGE_VAR)

    def get_filters(self, request: HttpRequest) -> Any:
        if IS_FACETS_VAR in request.GET and not self.is_facets_optional:
            raise BadQuery(IS_FACETS_VAR)
        given = set(self.get_filters_params())
        try:
            found = super().get_filters(request)
        except (ValueError, OverflowError) as error:
            raise BadQuery from error
        # Each filter takes its parameters away; what is left none of them knows.
        if left := given & set(found[2]):
            raise BadQuery(min(left))
        return found

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[Any]:
        masking.count_search(request, self.query)
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        if order := self.params.get(main.ORDER_VAR):
            self._refuse_other_order(order)
        return super().get_ordering(request, queryset)

    @property
    def previous_url(self) -> str:
        """The page before this one; empty on the first."""
        return self._page_url(self.page_num - 1)

    @property
    def next_url(self) -> str:
        """The page after this one; empty on the last."""
        return self._page_url(self.page_num + 1)

    def _page_url(self, number: int) -> str:
        if not 1 <= number <= self.paginator.num_pages:
            return ""
        return str(self.get_query_string({main.PAGE_VAR: number}))

    def _refuse_other_order(self, order: str) -> None:
        """Only by the columns whose heading offers it."""
        if not _ORDER.fullmatch(order):
            raise BadQuery(main.ORDER_VAR)
        for number in order.split("."):
            place = abs(int(number))
            name = self.list_display[place] if place < len(self.list_display) else ""
            if not callable(name) and name not in (self.sortable_by or ()):
                raise BadQuery(main.ORDER_VAR)


class Exact(admin.ModelAdmin[Any]):
    """The base of every admin: its list is exact."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ExactList


def made_exact(admin_class: type[admin.ModelAdmin[Any]]) -> type[Exact]:
    """The admin as it is, behind this door: for those that packages bring along."""
    if issubclass(admin_class, Exact):
        return admin_class
    return type(admin_class.__name__, (Exact, admin_class), {})
