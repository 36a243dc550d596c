"""The one writer of wishes: expressing one, ending it, taking back what was just done.

Whoever calls it has locked the profile, as for every change of a person.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from audiences.consent import Origin
from audiences.models import ContactWish, Profile

# A month of a limit: so many calendar days in a row, wherever they begin.
MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Wished:
    """What expressing a wish did: the row, and the one that it replaced."""

    wish: ContactWish
    replaced: ContactWish | None = None
    changed: bool = True


def express(
    locked: Profile,
    channel: str,
    origin: Origin,
    *,
    per_month: int | None = None,
    paused_until: datetime | None = None,
) -> Wished:
    """Write down a limit or a pause; it takes the place of one of the same kind.

    The same wish again changes nothing, so that its history says when it was expressed.
    """
    is_limit = per_month is not None
    rows = ContactWish.objects.filter(
        profile=locked,
        channel=channel,
        ended_at__isnull=True,
        per_month__isnull=not is_limit,
    )
    before = rows.first()
    if before and is_limit and before.per_month == per_month:
        return Wished(before, changed=False)
    if before:
        _end([before], origin)
    wish = ContactWish.objects.create(
        profile=locked,
        channel=channel,
        per_month=per_month,
        paused_until=paused_until,
        since=origin.at or timezone.now(),
        source=origin.source,
        actor=origin.actor,
        wording_version=origin.wording_version,
        delivery_id=origin.delivery_id,
        ip=origin.ip,
        user_agent=origin.user_agent,
    )
    return Wished(wish, before)


def end(locked: Profile, ids: Iterable[int], origin: Origin) -> int:
    """End these wishes of a person; returns how many had not ended before."""
    rows = ContactWish.objects.filter(
        profile=locked, pk__in=[*ids], ended_at__isnull=True
    )
    return _end(rows, origin)


def _end(rows: Iterable[ContactWish], origin: Origin) -> int:
    ids = [row.pk for row in rows]
    return ContactWish.objects.filter(pk__in=ids).update(
        ended_at=origin.at or timezone.now(),
        ended_source=origin.source,
        ended_actor=origin.actor,
        ended_note=origin.note.strip(),
    )


def take_back(
    locked: Profile,
    expressed: Iterable[int],
    ended: Iterable[int],
    origin: Origin,
    *,
    after: datetime,
) -> int:
    """Undo an act after a moment: end what it expressed, let hold again what it ended.

    Returns how many wishes that changed. What holds again is written anew, because the
    history tells that it had ended. Nothing is done to a wish that ended meanwhile, and
    nothing holds again beside another of its kind.
    """
    rows = ContactWish.objects.filter(profile=locked)
    young = rows.filter(pk__in=[*expressed], since__gt=after)
    changed = end(locked, young.values_list("pk", flat=True), origin)
    before = rows.filter(pk__in=[*ended], ended_at__gt=after)
    for row in before:
        if row.paused_until and row.paused_until <= timezone.now():
            continue
        rows = ContactWish.objects.filter(
            profile=locked,
            channel=row.channel,
            ended_at__isnull=True,
            per_month__isnull=row.per_month is None,
        )
        if not rows.exists():
            express(
                locked,
                row.channel,
                origin,
                per_month=row.per_month,
                paused_until=row.paused_until,
            )
            changed += 1
    return changed
