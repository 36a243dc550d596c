"""The filters beside the list of profiles; what each means is in `selections`."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel, Scope
from audiences.models import AddressStatus, Profile, Service
from audiences.selections import filters
from audiences.wording.page_texts import languages

Lookups = list[tuple[str, Any]]


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


class OptedOutFilter(OfSelection):
    title = filters.TITLES["opted_out"]
    parameter_name = "opted_out"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [*Scope.choices, (filters.ON_NO_DENYLIST, _("On no denylist"))]


class QuarantinedFilter(OfSelection):
    title = filters.TITLES["address_status"]
    parameter_name = "address_status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [c for c in AddressStatus.choices if c[0] != AddressStatus.VALID]


class WithoutAddressFilter(OfSelection):
    title = filters.TITLES["without_address"]
    parameter_name = "without_address"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [(filters.ANY_ADDRESS, _("Of any kind")), *Channel.choices]


class SubscribedFilter(OfSelection):
    title = filters.TITLES["service"]
    parameter_name = "service"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [(s.slug, s.label) for s in Service.objects.all()]


class LanguageFilter(OfSelection):
    """The languages of our pages; another one can be given in the address."""

    title = filters.TITLES["language"]
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return list(languages())


class OneByOneFilter(OfSelection):
    """People who were chosen one by one, for as long as they are looked at."""

    title = filters.TITLES[filters.IDS]
    parameter_name = filters.IDS

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        ids = self.value()
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
    OptedOutFilter,
    QuarantinedFilter,
    WithoutAddressFilter,
    SubscribedFilter,
    LanguageFilter,
    CreatedFilter,
    OneByOneFilter,
)
