"""Subscriptions of many profiles at once, set-based, and their end by date."""

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from django.db import transaction
from django.db.models import (
    DateTimeField,
    F,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.utils import timezone

from audiences import consent, sql
from audiences.consent import Kind, Origin, Source, history, locks
from audiences.models import Profile, Service, StagedProfile, Subscription
from audiences.sql.many import among
from audiences.subscriptions.services import ServiceClosed
from audiences.subscriptions.writing import Status, activated, active, ended
from audiences.suppression.restriction import in_force

# The most subscriptions that expire in one transaction.
EXPIRED_AT_ONCE = 50_000


def expire(now: datetime | None = None) -> int:
    """Expire subscriptions past their validity, set-based; returns how many.

    Nothing waits for this: all who read subscriptions check the date (`active`). Each
    step is recorded at the moment at which it happened.
    """
    at = now or timezone.now()
    origin = Origin(source=Source.SYSTEM, at=at)
    due = Subscription.objects.filter(status=Status.ACTIVE, expires_at__lte=at)
    total = 0
    for service in Service.objects.filter(pk__in=due.values("service_id")):
        rows = due.filter(service=service)
        while True:
            with transaction.atomic():
                some = rows.order_by("profile_id").values("profile_id")
                chosen = list(
                    some.values_list("profile_id", flat=True)[:EXPIRED_AT_ONCE]
                )
                if not chosen:
                    break
                span = {"pk__gte": chosen[0], "pk__lte": chosen[-1]}
                locks.stage(Profile.objects.filter(pk__in=some), **span)
                # Without those that were renewed while this waited for the locks.
                renewed = StagedProfile.objects.exclude(id__in=some)
                count = locks.unstage(renewed.values("id"))
                ended = rows.filter(profile_id=OuterRef("id")).values("expires_at")
                history.record_staged(
                    Kind.EXPIRE, origin, service=service, at=Subquery(ended[:1])
                )
                rows.filter(profile_id__in=StagedProfile.objects.values("id")).update(
                    status=Status.EXPIRED, changed_at=F("expires_at")
                )
                total += count
    return total


# ------------------------------------------------------------------ many at once
def subscribe_all(profiles: QuerySet[Profile], service: Service, origin: Origin) -> int:
    """`subscribe` for a queryset, set-based; returns how many profiles changed.

    People whose data is restricted are left out, and without a note that is needed
    those who have unsubscribed.
    """
    if service.is_closed:
        raise ServiceClosed(service)
    at = origin.at or timezone.now()
    held = Subscription.objects.filter(service=service)
    left_out = active(at)
    if consent.lacks_note(origin):
        left_out |= ended()
    with transaction.atomic():
        locks.stage(profiles)
        locks.unstage(in_force().values("profile_id"))
        count = locks.unstage(held.filter(left_out).values("profile_id"))
        if count:
            ids = StagedProfile.objects.values("id")
            values = activated(service, at)
            held.filter(profile_id__in=ids).update(**values)
            missing = StagedProfile.objects.exclude(id__in=held.values("profile_id"))
            sql.insert_select(
                Subscription,
                ["profile_id", "service_id", "status", "changed_at", "expires_at"],
                missing.order_by("id").values_list(
                    F("id"),
                    Value(service.pk),
                    Value(str(values["status"]), TextField()),
                    Value(values["changed_at"], DateTimeField()),
                    Value(values["expires_at"], DateTimeField()),
                ),
            )
            history.record_staged(Kind.SUBSCRIBE, origin, service=service)
        return count


def unsubscribe_all(
    profiles: QuerySet[Profile], service: Service, origin: Origin
) -> int:
    """`unsubscribe` for a queryset, set-based; returns how many profiles changed."""
    running = Subscription.objects.filter(
        service=service, status__in=[Status.ACTIVE, Status.PENDING]
    )
    with transaction.atomic():
        locks.stage(profiles, pk__in=running.values("profile_id"))
        ended = StagedProfile.objects.exclude(id__in=running.values("profile_id"))
        count = locks.unstage(ended.values("id"))
        if count:
            running.filter(profile_id__in=StagedProfile.objects.values("id")).update(
                status=Status.UNSUBSCRIBED, changed_at=origin.at or timezone.now()
            )
            history.record_staged(Kind.UNSUBSCRIBE, origin, service=service)
        return count


def restore_all(profiles: QuerySet[Profile], service: Service, origin: Origin) -> int:
    """Undo unsubscriptions, silently; returns how many profiles changed.

    As `writing.restore` for one: they end when they would have ended, and people whose
    data is restricted are left out.
    """
    held = Subscription.objects.filter(service=service, status=Status.UNSUBSCRIBED)
    with transaction.atomic():
        locks.stage(profiles)
        locks.unstage(in_force().values("profile_id"))
        others = StagedProfile.objects.exclude(id__in=held.values("profile_id"))
        count = locks.unstage(others.values("id"))
        if count:
            held.filter(profile_id__in=StagedProfile.objects.values("id")).update(
                status=Status.ACTIVE, changed_at=origin.at or timezone.now()
            )
            history.record_staged(Kind.SUBSCRIBE, origin, service=service)
        return count


@dataclass(slots=True, eq=False)
class Held:
    """A row of `Subscription`; lighter than a model, for imports of millions."""

    profile_id: int
    service_id: int
    status: str
    changed_at: datetime
    expires_at: datetime | None = None
    made_profile: bool = False
    # None: it is new.
    id: int | None = None

    def status_at(self, moment: datetime) -> str:
        return Subscription.lapsed(self.status, self.expires_at, moment)


_COLUMNS = [column.name for column in fields(Held) if column.name != "id"]


def held_among(
    profile_ids: Iterable[int], services: Iterable[Service]
) -> tuple[dict[tuple[int, int], Held], set[tuple[int, int]]]:
    """The subscriptions of these people by profile and service, and which of them the
    person has ended."""
    # The sum keeps the planner from the index by service, which names half of a large
    # table where it is asked about few people.
    rows = Subscription.objects.alias(about=F("service_id") + 0).filter(
        among("profile_id", profile_ids), about__in=[s.pk for s in services]
    )
    found, over = {}, set[tuple[int, int]]()
    rows = rows.annotate(has_ended=ended())
    for has_ended, *values in rows.values_list("has_ended", *_COLUMNS, "id"):
        row = Held(*values)
        pair = row.profile_id, row.service_id
        found[pair] = row
        if has_ended:
            over.add(pair)
    return found, over


def write_steps(
    new: Iterable[Held], changed: Sequence[Held], steps: Sequence[history.Row]
) -> None:
    """Write rows and their steps, which an import has derived from locked rows."""
    sql.bulk_insert(Subscription, _COLUMNS, map(operator.attrgetter(*_COLUMNS), new))
    sql.bulk_update(Subscription, _COLUMNS[2:], changed)
    history.bulk_record(steps)
