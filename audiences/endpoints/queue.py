"""What each endpoint is still to be told: taken out of the feed, in its order.

A page of the feed becomes rows in the same transaction that moves the endpoint on, so
that each change becomes a row once, whatever is killed. Nothing is written for
endpoints when something happens: whoever opts a million people out waits for nobody.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, When
from django.utils import timezone

from audiences import feed, sql
from audiences.background import jobs
from audiences.feed import Position
from audiences.models import Endpoint, EndpointCall
from audiences.refusals import Refused

TASK = "audiences.tasks.call_endpoint"
# Changes that are taken out of the feed at once.
PAGE = 500
# So many may wait before more are taken out. Of what waits for a pause there may be
# more: who refuses the changes of many people still gets those of others.
MOST_WAITING = 2_000
State = EndpointCall.State


class NoSuchChange(Refused):
    """There is no change with this id."""


def take_in(endpoint: Endpoint) -> int:
    """Make rows of the next changes; returns how many. The worker holds its lock."""
    is_full = _waiting(endpoint).count() >= MOST_WAITING
    if is_full and _ready(endpoint)[:PAGE].count() == PAGE:
        return 0
    with transaction.atomic():
        row = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
        try:
            page = feed.read(Position.of(row.position), PAGE, row.events)
        except feed.BadCursor:
            # The database was restored into another server: go on from here.
            page = feed.Page([], feed.present(), True)
        now = timezone.now()
        sql.bulk_insert(
            EndpointCall,
            ["endpoint_id", "change", "name", "profile_id", "created_at", "due_at"],
            (
                [row.pk, change.id, change.name, change.profile_id, now, now]
                for change in page.changes
            ),
        )
        if str(page.position) != row.position:
            row.position = str(page.position)
            row.save(update_fields=["position"])
    return len(page.changes)


def _waiting(endpoint: Endpoint) -> QuerySet[EndpointCall]:
    return EndpointCall.objects.filter(endpoint=endpoint, state=State.WAITING)


def _ready(endpoint: Endpoint) -> QuerySet[EndpointCall]:
    """What may be told now: of each person only what nothing earlier waits for."""
    now = timezone.now()
    earlier = _waiting(endpoint).filter(
        due_at__gt=now, profile_id=OuterRef("profile_id"), id__lt=OuterRef("id")
    )
    rows = _waiting(endpoint).filter(due_at__lte=now)
    return rows.filter(Q(profile_id=None) | ~Exists(earlier))


def due(endpoint: Endpoint, limit: int) -> list[EndpointCall]:
    """The next calls, of each person in order.

    What was refused before, and what waits for it, comes after all the rest: whoever
    refuses the changes of some people gets those of the others. An answer of 429
    refuses nobody in particular.
    """
    refused = Q(attempts__gt=0) & ~Q(status=429)
    before = _waiting(endpoint).filter(
        refused, profile_id=OuterRef("profile_id"), id__lt=OuterRef("id")
    )
    was_refused = Case(When(refused | Exists(before), 1), default=0)
    rows = _ready(endpoint).annotate(was_refused=was_refused)
    return list(rows.order_by("was_refused", "id")[:limit])


def unfinished() -> QuerySet[Endpoint]:
    """The endpoints that may have something to be told now."""
    return Endpoint.objects.filter(
        state=Endpoint.State.ACTIVE, due_at__lte=timezone.now()
    )


# ------------------------------------------------------------------ again
def replay(
    endpoint: Endpoint,
    *,
    since: datetime | None = None,
    ids: Sequence[str] = (),
) -> int:
    """Tell an endpoint again: all since a moment, or changes by their ids.

    All since a moment begins a little earlier. Both come in the order of the feed, and
    now, also where the endpoint is left alone for a while after a failure. Returns how
    many wait for certain: those by ids. Raises NoSuchChange for unknown ids.
    """
    names = list(dict.fromkeys(ids))
    if since is not None:
        with transaction.atomic():
            row = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
            place = min(feed.before(since), Position.of(row.position))
            row.position, row.due_at = str(place), timezone.now()
            row.save(update_fields=["position", "due_at"])
        jobs.wake(TASK, endpoint.pk)
        return 0
    found = feed.by_ids(names)
    missing = [text for text in names if text not in found]
    if missing:
        raise NoSuchChange(f"There is no change {missing[0]!r}.")
    EndpointCall.objects.bulk_create(
        EndpointCall(
            endpoint=endpoint,
            change=text,
            name=found[text].name,
            profile_id=found[text].profile_id,
        )
        for text in sorted(names, key=lambda text: found[text].place)
    )
    Endpoint.objects.filter(pk=endpoint.pk).update(due_at=timezone.now())
    jobs.wake(TASK, endpoint.pk)
    return len(names)


def send_again(call: EndpointCall) -> None:
    """Call once more about one change, now."""
    EndpointCall.objects.filter(pk=call.pk).update(
        state=State.WAITING, due_at=timezone.now(), first_at=None, attempts=0
    )
    Endpoint.objects.filter(pk=call.endpoint_id).update(due_at=timezone.now())
    jobs.wake(TASK, call.endpoint_id)


def clean_up(now: datetime | None = None) -> int:
    """Remove old rows of what was told; returns how many."""
    before = (now or timezone.now()) - timedelta(days=settings.ENDPOINT_DAYS)
    rows = EndpointCall.objects.filter(created_at__lt=before)
    return rows.exclude(state=State.WAITING).delete()[0]
