"""How many profiles can be reached on each channel, and why the others cannot."""

from collections import Counter, defaultdict
from typing import Any

from django.db.models import Count, Q

from audiences.background import figures
from audiences.channels import ANY_FLAG, Channel, flag_name
from audiences.models import Address, AddressStatus, Profile

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
            open_ones,
            is_primary=True,
            is_valid=True,
            is_suppressed=False,
            profile__no_longer_contact=False,
        )
        .order_by()
        .values_list("channel", "quarantine_status")
        .annotate(count=Count("pk"))
    )
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for channel, status, count in rows:
        found[channel][status] += count
    return found
