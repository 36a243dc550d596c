"""What the lists of the admin have in common: searches, counts and logs for millions.

A list never counts a huge table and never searches by scanning one: a search is turned
into keys and ids that an index finds.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audiences import profiles, sql
from audiences.addresses import readings
from audiences.console import masking
from audiences.console.exact import ExactList
from audiences.console.numbers import grouped
from audiences.console.pages import Facts, PlainAdmin
from audiences.models import Profile

COUNTED = 2_000
# The first page of a list is looked for among this many rows at its beginning.
FIRST_ROWS = 1_000


class BoundedPaginator(Paginator[Any]):
    """Pages of a list that is counted up to a bound, or by the database's estimate.

    Without a filter, PostgreSQL's statistics say how many rows there are; else the
    count stops at COUNTED. `precision` says which it was, for the words beside it.
    """

    precision = "exact"

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        counted = rows.order_by()[: COUNTED + 1].count()
        if counted <= COUNTED:
            return counted
        if not rows.query.where:
            if sql.is_postgresql():
                self.precision = "estimated"
            return max(counted, estimated_rows(rows.model))
        self.precision = "bounded"
        return COUNTED

    def page(self, number: int | str) -> Any:
        """From the beginning of the list, where that holds all rows of the page."""
        page = super().page(number)
        low, high = page.start_index() - 1, page.end_index()
        if self.precision == "bounded" and high <= FIRST_ROWS:
            near = self._beginning()[low:high]
            if len(near) == high - low:
                page.object_list = near
        return page

    def _beginning(self) -> QuerySet[Any]:
        """The list among the first rows of its table; none of it in another order.

        What nearly every row matches is seen there at once. The database may not know
        how many match, and would find and sort them all for one page.
        """
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        first = (*rows.query.order_by, *rows.model._meta.ordering, "")[0]
        if first not in ("id", "-id"):
            return rows.none()
        keys = rows.model._default_manager.order_by(first).values_list("pk", flat=True)
        ends = list(keys[FIRST_ROWS : FIRST_ROWS + 1])
        side = "pk__gte" if first == "-id" else "pk__lte"
        return rows.filter(**{side: ends[0]}) if ends else rows.none()


def estimated_rows(model: type[Model]) -> int:
    """How many rows a table has: PostgreSQL's estimate, elsewhere counted."""
    if not sql.is_postgresql():
        return model._default_manager.count()
    rows = sql.fetch(
        "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)",
        [f'"{model._meta.db_table}"'],
    )
    return max(0, int(rows[0][0])) if rows else 0  # -1 before the first ANALYZE


class BoundedList(ExactList):
    """The rows of one page, asked for with a bound even when there is one page only.

    Django leaves the bound away there, and the database then plans for all the rows
    that it expects: it reads a big table to find out that nothing matches. What was
    counted as nothing is not asked for again.
    """

    @property
    def shown_count(self) -> str:
        return grouped(self.result_count)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.result_count == 0:
            self.result_list = self.result_list.none()
        elif not self.multi_page:
            self.result_list = self.result_list[: self.list_per_page]


class BigList(PlainAdmin):
    """A list of a table that may have millions of rows."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedList

    def meant_by(self, text: str) -> Q | None:
        """The rows that a search means, by an index; None: as Django finds them."""
        return None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if text and (meant := self.meant_by(text)) is not None:
            return queryset.filter(meant), False
        return super().get_search_results(request, queryset, search_term)


class ReadOnlyLog(BigList):
    """Rows that other code writes: to look at, never to add, change or delete."""

    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


class LogWithPages(ReadOnlyLog):
    """Rows with a page of our own each, whose buttons alone change the row."""

    page_template: str

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Facts | None = None,
    ) -> HttpResponse:
        if request.method == "POST":
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)
        return self.respond(request, self.page_template, **self.beside(request, row))


class OfProfiles(BigList):
    """A list of rows that belong to profiles: searched by id, external id, address.

    The profile may have been erased since, so the list never joins it.
    """

    search_fields = ("profile_id",)
    search_help_text = _("Profile id, external id or address, in any notation.")
    profile_path = "profile_id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("profile")

    def meant_by(self, text: str) -> Q:
        return Q(**{f"{self.profile_path}__in": profiles.find_ids([text])[text]})

    @admin.display(description=_("profile"))
    def person(self, row: Any) -> str | SafeString:
        return profile_link(row.profile_id, getattr(row, "profile", None))


def profile_link(profile_id: int, profile: Profile | None) -> str | SafeString:
    """The profile's name as a link; its bare number when it was erased."""
    if profile is None:
        return f"#{profile_id}"
    url = reverse("admin:audiences_profile_change", args=[profile_id])
    return format_html('<a href="{}">{}</a>', url, profile)


def about_address(text: str) -> Q:
    """Rows with `channel` and `key` whose address the text may mean, as written."""
    about = Q(pk__in=[])
    for channel, key in sorted(readings(text)):
        about |= Q(channel=channel, key=key)
    return about


class Masked(PlainAdmin):
    """Rows with an address, which is masked for those who may not see addresses.

    `addresses_in` are the fields with one, `texts_in` those with a text that may have
    one in it. What is shown masked cannot be changed.
    """

    addresses_in: Sequence[str] = ("key",)
    texts_in: Sequence[str] = ()

    def _columns(self, request: HttpRequest) -> dict[str, masking.Column]:
        if masking.may_see_addresses(request):
            return {}
        return {
            name: masking.column(
                request,
                name,
                self.opts.get_field(name).verbose_name,  # type: ignore[union-attr]
                is_text=name in self.texts_in,
            )
            for name in (*self.addresses_in, *self.texts_in)
        }

    def get_list_display(self, request: HttpRequest) -> Any:
        names = super().get_list_display(request)
        return masking.replaced(names, self._columns(request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        given = super().get_fieldsets(request, obj)
        return self.masked_fieldsets(request, given) if obj else given

    def masked_fieldsets(self, request: HttpRequest, fieldsets: Any) -> Any:
        """Fields of a row as this operator may read them; all of them read-only."""
        columns = self._columns(request)
        return [
            (label, {**facts, "fields": masking.replaced(facts["fields"], columns)})
            for label, facts in fieldsets
        ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_change_permission(request, obj)
        return may and masking.may_see_addresses(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_delete_permission(request, obj)
        return may and masking.may_see_addresses(request)

    def heading(self, request: HttpRequest, row: Any) -> str:
        """What stands for the row above its page."""
        address = str(getattr(row, self.addresses_in[0]))
        return masking.shown(request, row.channel, address)

    def beside(self, request: HttpRequest, row: Any) -> Facts:
        return {"heading": self.heading(request, row)}

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Facts | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        context = {"heading": self.heading(request, row)} if row else {}
        return super().history_view(request, object_id, context | (extra_context or {}))


class OfAddresses(Masked, BigList):
    """A list of rows about addresses: searched by address in any notation."""

    search_fields = ("key",)
    search_help_text = _(
        "An address: an email in any letter case, a number as written."
    )

    def meant_by(self, text: str) -> Q:
        return about_address(text)
