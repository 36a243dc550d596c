"""Entries by the day of their last error: two dates in the list's filter."""

from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _, ngettext

from audiences.moments import midnight, read_day

DAYS = (1, 7, 30, 365)


class ErrorPeriod(admin.SimpleListFilter):
    """The last error was in the last … days, or between two days (FROM..TO)."""

    title = _("last error")
    parameter_name = "last_error"
    template = "admin/delivery/quarantineentry/period_filter.html"

    def __init__(self, request: HttpRequest, params: Any, *args: Any) -> None:
        days = [params.pop(f"last_error_{name}", [""])[-1] for name in ("from", "to")]
        self.start, self.end = map(read_day, days)
        super().__init__(request, params, *args)

    def expected_parameters(self) -> list[str | None]:
        name = self.parameter_name
        return [name, f"{name}_from", f"{name}_to"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        def words(days: int) -> str:
            text = ngettext("In the last day", "In the last {days} days", days)
            return text.format(days=days)

        return [(str(days), words(days)) for days in DAYS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value in [str(days) for days in DAYS]:
            since = timezone.now() - timedelta(days=int(str(value)))
            queryset = queryset.filter(last_error_at__gte=since)
        if self.start:
            queryset = queryset.filter(last_error_at__gte=midnight(self.start))
        if self.end and self.end < date.max:
            until = midnight(self.end + timedelta(days=1))
            queryset = queryset.filter(last_error_at__lt=until)
        return queryset

    def choices(self, changelist: Any) -> Any:
        ours = [str(name) for name in self.expected_parameters()]
        chosen = self.start or self.end
        for choice in super().choices(changelist):
            query = choice["query_string"]
            yield {**choice, "selected": choice["selected"] and not chosen} | {
                "query_string": query,
                "start": self.start.isoformat() if self.start else "",
                "end": self.end.isoformat() if self.end else "",
                "others": [
                    (name, value)
                    for name, value in changelist.params.items()
                    if name not in (*ours, "p")
                ],
            }
