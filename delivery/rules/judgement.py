"""Profiles judged by the rules, as querysets: the one place where rules meet people.

Everything that decides or explains an exclusion is built from `judged`; so the
analysis, the dry run and the explanation of one profile cannot disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import (
    Case,
    Count,
    Exists,
    FilteredRelation,
    OuterRef,
    Q,
    QuerySet,
    SmallIntegerField,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber
from django.utils import timezone

from audiences import membership, subscriptions
from audiences.channels import ANY_FLAG, flag_name
from audiences.conditions import Span
from audiences.models import Address, Profile
from delivery.models import Delivery
from delivery.rules.native import Rule, Situation

Ids = QuerySet[Any, Any]


def situation_of(delivery: Delivery, at: datetime | None = None) -> Situation:
    """What the rules see of a delivery; subscriptions are judged for its contact date.

    Never for a moment that has passed: who has unsubscribed since gets nothing.
    """
    now = at or timezone.now()
    return Situation(
        channel=delivery.channel,
        purpose=delivery.purpose,
        service_id=delivery.service_id,
        at=max(now, delivery.contact_date) if delivery.contact_date else now,
        delivery_id=delivery.pk,
    )


def audience_profiles(
    delivery: Delivery, at: datetime, span: Span | None = None
) -> QuerySet[Profile]:
    """The profiles in the delivery's audience; with `span`, only these."""
    return membership.profiles(delivery.audience, at, span)


def prepared(profiles: QuerySet[Profile], situation: Situation) -> QuerySet[Profile]:
    """The profiles with the names that the rules use; they lie within its span."""
    span = situation.span
    primary = Q(addresses__channel=situation.channel, addresses__is_primary=True)
    subscription = Q(subscriptions__service_id=situation.service_id)
    subscription &= subscriptions.active(situation.at, "subscriptions__")
    if span:
        primary &= span.between("addresses__profile_id")
        subscription &= span.between("subscriptions__profile_id")
    profiles = profiles.annotate(
        main_address=FilteredRelation("addresses", condition=primary)
    )
    if situation.service_id:
        profiles = profiles.annotate(
            subscription=FilteredRelation("subscriptions", condition=subscription)
        )
    return profiles


def cause(
    situation: Situation, rules: Sequence[Rule], ids: Mapping[str, int]
) -> Case | Value:
    """The number of the first rule that matches, or null for those to deliver."""
    whens = [
        When(predicate, then=Value(ids[rule.code]))
        for rule in rules
        if (predicate := rule.predicate(situation)) is not None
    ]
    field = SmallIntegerField(null=True)
    if not whens:
        return Value(None, output_field=field)
    return Case(*whens, default=None, output_field=field)


def survivors(
    profiles: QuerySet[Profile], situation: Situation, rules: Sequence[Rule]
) -> Ids:
    """Ids of the profiles that no rule before the duplicates excludes."""
    numbers = {rule.code: 1 for rule in rules}
    return (
        prepared(profiles, situation)
        .annotate(cause=cause(replace(situation, losers=None), rules, numbers))
        .filter(cause__isnull=True)
        .values("pk")
    )


def shared_holders(
    channel: str, *, key: str | None = None, among: Ids | None = None
) -> QuerySet[Address]:
    """Primary addresses that other profiles have too.

    `key` looks at one address, `among` at those of a few profiles, one by one; else
    all addresses of the channel are grouped by their key.
    """
    rows = Address.objects.order_by().filter(
        channel=channel, is_primary=True, is_valid=True
    )
    if key is not None:
        return rows.filter(key=key)
    if among is None:
        return rows.filter(key__in=_held_by_several(channel))
    others = Address.objects.filter(channel=channel, key=OuterRef("key")).exclude(
        profile_id=OuterRef("profile_id")
    )
    return rows.filter(Exists(others), profile_id__in=among)


def losers(
    holders: QuerySet[Any], contenders: Ids | Sequence[int] | None = None
) -> Ids:
    """Of the contenders that share an address, all but the one with the lowest id.

    `holders` are the rows of `shared_holders`, or their staged copy: only they are
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


def _held_by_several(channel: str) -> Ids:
    """Keys of addresses that more than one profile has, from the index by key alone."""
    return (
        Address.objects.order_by()
        .filter(channel=channel)
        .values("key")
        .annotate(holders=Count("*"))
        .filter(holders__gt=1)
        .values("key")
    )
