"""How many profiles can be reached on each channel, and how consent changes."""

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from audiences.background import figures
from audiences.channels import ANY_FLAG, Channel, flag_name
from audiences.models import Address, AddressStatus, ConsentEvent, Profile

DAYS = 30
_STOPPED = (AddressStatus.QUARANTINE, AddressStatus.DENYLISTED)


@figures.register("reach")
def reach() -> dict[str, Any]:
    """Each channel's profiles in four parts that add up to all.

    The first that applies: opted out (of it or of any channel), without a usable
    address, its primary address in quarantine or on the denylist; else contactable.
    Two statements over all profiles, whatever the number of channels.
    """
    out = {c: Q(**{ANY_FLAG: True}) | Q(**{flag_name(c): True}) for c in Channel}
    counts = Profile.objects.aggregate(
        total=Count("pk"), **{f"out_{c}": Count("pk", filter=q) for c, q in out.items()}
    )
    usable = _primaries_of_the_contactable()
    channels = {}
    for channel in Channel:
        opted_out = counts[f"out_{channel}"]
        stopped = sum(usable[channel][status] for status in _STOPPED)
        contactable = sum(usable[channel].values()) - stopped
        channels[channel.value] = {
            "contactable": contactable,
            "opted_out": opted_out,
            "quarantined": stopped,
            "no_address": counts["total"] - opted_out - stopped - contactable,
        }
    return {"total": counts["total"], "channels": channels}


def _primaries_of_the_contactable() -> dict[str, Counter[str]]:
    """Valid primary addresses by channel and status, of people not opted out."""
    open_ones = Q(pk__in=[])
    for channel in Channel:
        flag = f"profile__{flag_name(channel)}"
        open_ones |= Q(channel=channel, **{flag: False})
    rows = (
        Address.objects.filter(
            open_ones, is_primary=True, is_valid=True, profile__no_longer_contact=False
        )
        .order_by()
        .values_list("channel", "quarantine_status")
        .annotate(count=Count("pk"))
    )
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for channel, status, count in rows:
        found[channel][status] += count
    return found


@figures.register("consent_by_day")
def consent_by_day() -> dict[str, Any]:
    """Opt-outs and opt-ins of each of the last 30 days, by the index on time."""
    today = timezone.localdate()
    first = today - timedelta(days=DAYS - 1)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = (
        ConsentEvent.objects.filter(
            kind__in=ConsentEvent.FLAG_KINDS,
            at__gte=midnight - timedelta(days=DAYS - 1),
        )
        .order_by()
        .annotate(day=TruncDate("at"))
        .values_list("day", "kind")
        .annotate(count=Count("pk"))
    )
    found = {(day.isoformat(), kind): count for day, kind, count in rows}
    days = [(first + timedelta(days=n)).isoformat() for n in range(DAYS)]
    return {
        "days": days,
        **{
            kind.value: [found.get((day, kind.value), 0) for day in days]
            for kind in ConsentEvent.FLAG_KINDS
        },
    }
