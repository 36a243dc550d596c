"""The filters beside the list of profiles; what each means is in `selections`."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel, Scope
from audiences.models import AddressStatus, Profile, Service, Tag
from audiences.selections import filters
from audiences.wording.page_texts import languages

Lookups = Callable[..., list[tuple[str, Any]]]


class OfSelection(admin.SimpleListFilter):
    """A filter of `selections` by its name there."""

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Profile]
    ) -> QuerySet[Profile]:
        value = self.value()
        if not value:
            return queryset
        try:
            return queryset.filter(filters.FILTERS[str(self.parameter_name)](value))
        except ValueError:
            return queryset.none()


def _of_selection(name: str, lookups: Lookups) -> type[OfSelection]:
    facts = {"title": filters.TITLES[name], "parameter_name": name, "lookups": lookups}
    return type(f"{name}_filter", (OfSelection,), facts)


def _chosen(own: OfSelection, *_asked: Any) -> list[tuple[str, Any]]:
    """People who were chosen one by one, for as long as they are looked at."""
    ids = own.value()
    return [(ids, f"{ids.count(',') + 1}")] if ids else []


class CreatedFilter(admin.ListFilter):
    """Created between two days, either of which may be left out."""

    title = _("created between")
    template = "admin/audiences/profile/created_filter.html"
    names = ("created_from", "created_to")

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, admin_: Any
    ) -> None:
        super().__init__(request, params, model, admin_)
        for name in self.names:
            values = params.pop(name, None)
            if values and (value := str(values[-1]).strip()):
                self.used_parameters[name] = value

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Profile]
    ) -> QuerySet[Profile]:
        try:
            for name, value in self.used_parameters.items():
                queryset = queryset.filter(filters.FILTERS[name](str(value)))
        except ValueError:
            return queryset.none()
        return queryset

    def choices(self, changelist: Any) -> Iterator[Any]:
        """One choice: none; and for the form, what else the list is filtered by."""
        others = [
            (name, value)
            for name, value in changelist.get_filters_params().items()
            if name not in self.names
        ]
        if changelist.query:
            others.append(("q", [changelist.query]))
        yield {
            "selected": not self.used_parameters,
            "query_string": changelist.get_query_string(remove=[*self.names]),
            "display": _("All"),
            "fields": [
                (name, label, self.used_parameters.get(name, ""))
                for name, label in (
                    ("created_from", _("From")),
                    ("created_to", _("Up to and including")),
                )
            ],
            "others": [(n, v[-1] if isinstance(v, list) else v) for n, v in others],
        }


FILTERS = (
    _of_selection(
        "opted_out",
        lambda *_asked: [*Scope.choices, (filters.ON_NO_DENYLIST, _("On no denylist"))],
    ),
    _of_selection(
        "address_status",
        lambda *_asked: [
            c for c in AddressStatus.choices if c[0] != AddressStatus.VALID
        ],
    ),
    _of_selection(
        "without_address",
        lambda *_asked: [(filters.ANY_ADDRESS, _("Of any kind")), *Channel.choices],
    ),
    _of_selection(
        "service", lambda *_asked: [(s.slug, s.label) for s in Service.objects.all()]
    ),
    # The languages of our pages; another one can be given in the address.
    _of_selection("language", lambda *_asked: list(languages())),
    _of_selection(
        "tag", lambda *_asked: list(Tag.objects.values_list("slug", "name")[:100])
    ),
    CreatedFilter,
    _of_selection(filters.IDS, _chosen),
)
