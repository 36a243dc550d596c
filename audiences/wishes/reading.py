"""Which wishes hold, and which there were."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from audiences.channels import ANY, Scope
from audiences.models import ContactWish


def limits_of(scopes: Sequence[str] = Scope.values) -> QuerySet[ContactWish]:
    """The limits that people have set, about each of these scopes."""
    rows = ContactWish.objects.order_by().filter(ended_at__isnull=True)
    return rows.filter(channel__in=scopes, per_month__isnull=False)


def paused(channel: str, at: datetime) -> QuerySet[ContactWish]:
    """The pauses that last at a moment, of messages on a channel."""
    rows = ContactWish.objects.order_by().filter(ended_at__isnull=True)
    return rows.filter(channel__in=[channel, ANY], paused_until__gt=at)


def active(at: datetime | None = None) -> Q:
    """Wishes that hold at a moment: now, unless another is given."""
    lasts = Q(paused_until__isnull=True) | Q(paused_until__gt=at or timezone.now())
    return Q(ended_at__isnull=True) & lasts


def wishes_of(profile_id: int) -> QuerySet[ContactWish]:
    """Every wish of a person, the newest first, also those that have ended."""
    return ContactWish.objects.filter(profile_id=profile_id).order_by("-id")


def of_person(profile_id: int, at: datetime | None = None) -> list[ContactWish]:
    """The wishes of a person that hold, by channel, limits first."""
    rows = ContactWish.objects.filter(active(at), profile_id=profile_id)
    return sorted(rows, key=lambda row: (row.channel, row.paused_until is not None))
