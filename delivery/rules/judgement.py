"""Profiles judged by the rules, as querysets: the one place where rules meet people.

Everything that decides or explains an exclusion asks a `Judge`; so the analysis, the
dry run, the explanation of one profile and the last check cannot disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from django.db.models import (
    Case,
    FilteredRelation,
    Q,
    QuerySet,
    SmallIntegerField,
    Value,
    When,
)
from django.db.models.lookups import Exact
from django.utils import timezone

from audiences import subscriptions
from audiences.membership import Members
from audiences.models import Address, Profile, Subscription
from audiences.sql.many import beside
from delivery.models import Delivery, TypologyRule
from delivery.rules import typologies
from delivery.rules.rule import MAIN_ADDRESS, SUBSCRIPTION, Rule, Situation


@dataclass(frozen=True)
class Judge:
    """What the people of a delivery are judged by; made once, asked for many spans.

    `numbers` has the number by which an outcome names each rule.
    """

    members: Members
    situation: Situation
    rules: Sequence[Rule]
    numbers: Mapping[str, int]

    def given(self, **facts: Any) -> Self:
        """The same judge in a situation that differs in these facts."""
        return replace(self, situation=replace(self.situation, **facts))

    def audience(self) -> QuerySet[Profile]:
        """The profiles of the audience that lie within the span."""
        return self.members.profiles(self.situation.at, self.situation.span)

    def people(self) -> QuerySet[Profile]:
        """The profiles within the span, of the audience or not."""
        everybody = Profile.objects.order_by()
        span = self.situation.span
        return everybody.filter(span.q("pk")) if span else everybody

    def named(self, profiles: QuerySet[Profile]) -> QuerySet[Profile]:
        """Profiles within the span with the names that the rules use."""
        situation = self.situation
        primary = Q(addresses__channel=situation.channel, addresses__is_primary=True)
        subscription = Q(subscriptions__service_id=situation.service_id)
        subscription &= subscriptions.active(situation.at, "subscriptions__")
        if situation.span:
            primary &= situation.span.between("addresses__profile_id")
            subscription &= situation.span.between("subscriptions__profile_id")
        names = {MAIN_ADDRESS: FilteredRelation("addresses", condition=primary)}
        if situation.service_id:
            names[SUBSCRIPTION] = FilteredRelation(
                "subscriptions", condition=subscription
            )
        return profiles.annotate(**names)

    def main_addresses(self) -> QuerySet[Address]:
        """What the name of the primary address is for, of everybody."""
        channel = self.situation.channel
        return Address.objects.filter(channel=channel, is_primary=True)

    def subscriptions(self) -> QuerySet[Subscription] | None:
        """What the name of the subscription is for, of everybody; None: no service."""
        service_id = self.situation.service_id
        if not service_id:
            return None
        active = subscriptions.active(self.situation.at)
        its = Q(Exact(beside("service_id"), service_id))
        return Subscription.objects.filter(active, its)

    def predicates(self) -> list[tuple[Rule, Q]]:
        """The rules that judge this delivery at all, with when they exclude."""
        return [
            (rule, predicate)
            for rule in self.rules
            if (predicate := rule.predicate(self.situation)) is not None
        ]

    def cause(self) -> Case | Value:
        """The number of the first rule that matches; null for those to deliver."""
        field = SmallIntegerField(null=True)
        whens = [
            When(predicate, then=Value(self.numbers[rule.code]))
            for rule, predicate in self.predicates()
        ]
        if not whens:
            return Value(None, output_field=field)
        return Case(*whens, default=None, output_field=field)

    def judged(self) -> QuerySet[Any]:
        """The audience with the `cause` that excludes each; null: to deliver."""
        return self.named(self.audience()).annotate(cause=self.cause())


def judge_of(delivery: Delivery, rows: Sequence[TypologyRule] | None = None) -> Judge:
    """The judge of a delivery now; `rows` are rules to try instead of its own."""
    if rows is None:
        rows = typologies.rows_of(delivery.typology)
    return judge_by(
        Members.of(delivery.audience),
        Situation(
            channel=delivery.channel,
            purpose=delivery.purpose,
            service_id=delivery.service_id,
            at=moment_of(delivery),
            delivery_id=delivery.pk,
        ),
        rows,
    )


def judge_by(
    members: Members, situation: Situation, rows: Sequence[TypologyRule]
) -> Judge:
    """A judge by these rules that no outcome is going to name: they are numbered."""
    rules = typologies.in_order(typologies.judging(rows))
    numbers = {rule.code: number for number, rule in enumerate(rules)}
    return Judge(members, situation, rules, numbers)


def moment_of(delivery: Delivery) -> datetime:
    """The moment that subscriptions are judged for: the contact date, or now.

    Never one that has passed: who has unsubscribed since gets nothing.
    """
    now = timezone.now()
    return max(now, delivery.contact_date) if delivery.contact_date else now
