"""Who did what in the last days: what operators did in the console, newest first.

The console's log, and the changes of many, imports and erasures that are jobs. Each is
read by its own index, as many rows as a page shows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.utils import timezone

from audiences.models import BulkAct, ErasureRun, ImportRun, Profile

PEOPLE, OTHERS, BULK, IMPORTS, ERASURES = (
    *("people", "others", "bulk", "imports", "erasures"),
)
PERIODS = (1, 7, 30)


@dataclass(frozen=True)
class Asked:
    """Whose acts, of which kind, of how many days, and before which moment."""

    actor: str = ""
    kind: str = ""
    days: int = 7
    before: datetime | None = None

    def span(self, name: str) -> Q:
        begin = timezone.now() - timedelta(days=self.days)
        found = Q(**{f"{name}__gte": begin})
        if self.before:
            found &= Q(**{f"{name}__lt": self.before})
        return found


@dataclass(frozen=True)
class Act:
    """One act; `row` is what it was, for whoever puts it into words."""

    at: datetime
    actor: str
    kind: str
    row: Any


def acts(asked: Asked, limit: int) -> list[Act]:
    """The newest of what was asked for; one more than `limit`, if there are more."""
    found: list[Act] = []
    for kind in (PEOPLE, OTHERS):
        if asked.kind in ("", kind):
            found += _logged(asked, kind, limit)
    for kind, model in ((BULK, BulkAct), (IMPORTS, ImportRun), (ERASURES, ErasureRun)):
        if asked.kind in ("", kind):
            rows: QuerySet[Any] = model._default_manager.filter(
                asked.span("created_at")
            )
            found += _jobs(rows, asked, kind, limit)
    found.sort(key=lambda act: act.at, reverse=True)
    return found[: limit + 1]


def _logged(asked: Asked, kind: str, limit: int) -> Iterable[Act]:
    """Rows of the log. Programs write millions of them about people: whose they are and
    what about is asked by number, so that the few others are found by an index."""
    rows = LogEntry.objects.filter(asked.span("action_time"), _about(kind))
    if asked.actor:
        users = get_user_model()._default_manager.filter(username=asked.actor)
        rows = rows.filter(user_id__in=[*users.values_list("pk", flat=True)])
    rows = rows.select_related("user", "content_type").order_by("-action_time", "-pk")
    for row in rows[: limit + 1]:
        yield Act(row.action_time, row.user.get_username(), kind, row)


def _about(kind: str) -> Q:
    people = ContentType.objects.get_for_model(Profile).pk
    if kind == PEOPLE:
        return Q(content_type=people)
    others = ContentType.objects.exclude(pk=people).values_list("pk", flat=True)
    return Q(content_type__in=[*others]) | Q(content_type=None)


def _jobs(rows: QuerySet[Any], asked: Asked, kind: str, limit: int) -> Iterable[Act]:
    if asked.actor:
        rows = rows.filter(actor=asked.actor)
    for row in rows.order_by("-created_at", "-pk")[: limit + 1]:
        yield Act(row.created_at, row.actor, kind, row)
