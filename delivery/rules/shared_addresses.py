"""Two profiles with one address: who they are, and which of them keeps it (P4).

Two share an address when both have it as a valid address with the same key; the case
of letters and the way a number is written are no part of a key.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from audiences.channels import ANY_FLAG, flag_name
from audiences.models import Address

Ids = QuerySet[Any, Any]


def holders_of(channel: str, *, among: Ids | None = None) -> QuerySet[Address]:
    """Primary addresses that other profiles have too.

    `among` looks at those of a few profiles, one by one; else all addresses of the
    channel are grouped by their key.
    """
    rows = Address.objects.order_by().filter(
        channel=channel, is_primary=True, is_valid=True
    )
    if among is None:
        return rows.filter(key__in=shared_keys(channel))
    others = Address.objects.filter(channel=channel, key=OuterRef("key")).exclude(
        profile_id=OuterRef("profile_id")
    )
    return rows.filter(Exists(others), profile_id__in=among)


def shared_keys(channel: str) -> Ids:
    """Keys of addresses that more than one profile has, from the index by key alone."""
    return (
        Address.objects.order_by()
        .filter(channel=channel)
        .values("key")
        .annotate(holders=Count("*"))
        .filter(holders__gt=1)
        .values("key")
    )


def losers(
    holders: QuerySet[Any], contenders: Ids | Sequence[int] | None = None
) -> Ids:
    """Of the contenders that share an address, all but the one with the lowest id.

    `holders` are the rows of `holders_of`, or their staged copy: only they are
    ranked. Without `contenders` all of them contend.
    """
    rank = Window(RowNumber(), partition_by="key", order_by="profile_id")
    if contenders is not None:
        holders = holders.filter(profile_id__in=contenders)
    ranked = holders.annotate(rank=rank)
    found: Ids = ranked.filter(rank__gt=1)
    return found.values("profile_id")


def sharing_with_opted_out(
    channel: str, holders: QuerySet[Any], targeted: Ids | None = None
) -> Ids:
    """Of these holders, those whose address an opted-out profile has as well (P4).

    Opted out of the channel or of any; in the audience or not; its primary or not.
    `targeted` leaves only some of the holders.
    """
    opted_out = Q(**{f"profile__{ANY_FLAG}": True}) | Q(
        **{f"profile__{flag_name(channel)}": True}
    )
    others = (
        Address.objects.filter(
            opted_out, channel=channel, key=OuterRef("key"), is_valid=True
        )
        .exclude(profile_id=OuterRef("profile_id"))
        .order_by()
    )
    found: Ids = holders.filter(Exists(others))
    if targeted is not None:
        found = found.filter(profile_id__in=targeted)
    return found.values("profile_id")
