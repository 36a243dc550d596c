"""How many people of an audience can be reached on each channel, while one waits.

Reached means what it means on the home page: not opted out of the channel or of any,
with a primary address that can be delivered to and is not blocked.
"""

from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from audiences import sql
from audiences.channels import ANY_FLAG, Channel, flag_name
from audiences.models import Address, AddressStatus, Profile

from .counting import SECONDS, Count as Number, scaled

_BLOCKED = (AddressStatus.QUARANTINE, AddressStatus.DENYLISTED)


def can_be_reached(channel: str) -> Q:
    """The profiles that can be reached on a channel."""
    usable = Address.objects.filter(
        profile_id=OuterRef("pk"),
        channel=channel,
        is_primary=True,
        is_valid=True,
        is_suppressed=False,
    ).exclude(quarantine_status__in=_BLOCKED)
    is_open = Q(**{ANY_FLAG: False, flag_name(channel): False})
    return is_open & Q(Exists(usable))


def reach_of(people: QuerySet[Profile], count: Number) -> list[tuple[str, Number]]:
    """The channels on which any can be reached, with how many; empty: too slow.

    Counted where all were counted, else in the stretches by which all were estimated.
    """
    if count.number == 0:
        return []
    rows, factor = (people, 1.0) if count.is_exact else scaled(people)
    wanted: Any = {
        f"on_{channel}": Count("pk", filter=can_be_reached(channel))
        for channel in Channel.values
    }
    try:
        with sql.time_limit(2 * SECONDS):
            found = rows.order_by().aggregate(**wanted)
    except sql.TooSlow:
        return []
    return [
        (str(channel.label), Number(round(number * factor), count.is_exact))
        for channel in Channel
        if (number := found[f"on_{channel.value}"])
    ]
