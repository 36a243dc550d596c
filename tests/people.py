"""People and deliveries for tests, made by the writers that real data goes through."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from audiences import addresses, consent
from audiences.consent import Origin
from audiences.models import Profile, Service, Subscription
from delivery import analysis, deliveries
from delivery.models import Delivery, Message, Outcome, TypologyRule

ORIGIN = Origin(source="operator", note="asked by phone")


def person(*, out: str = "", **facts: Any) -> Profile:
    """A profile; `email=` and `sms=` are primary addresses, `out` an opt-out."""
    given = {channel: facts.pop(channel, "") for channel in ("email", "sms", "push")}
    profile = Profile.objects.create(**facts)
    book = addresses.books([profile.pk])[profile.pk]
    for channel, text in given.items():
        if text:
            book.give(channel, addresses.accept(channel, text), primary=True)
    addresses.save([book])
    if out:
        consent.opt_out(profile, out, ORIGIN)
    profile.refresh_from_db()
    return profile


def ago(days: float = 0, **rest: float) -> datetime:
    return timezone.now() - timedelta(days=days, **rest)


def subscribed(
    profile: Profile,
    service: Service,
    status: str = "active",
    since: datetime | None = None,
    expires_at: datetime | None = None,
) -> None:
    Subscription.objects.create(
        profile=profile,
        service=service,
        status=status,
        changed_at=since or ago(9),
        expires_at=expires_at,
    )


def got(
    profile: Profile, at: datetime, label: str = "Past", channel: str = "email"
) -> Message:
    """A message that was handed over."""
    delivery = Delivery.objects.filter(label=label).first()
    delivery = delivery or deliveries.create(label, channel=channel)
    return Message.objects.create(
        delivery=delivery,
        profile=profile,
        channel=channel,
        address="somewhere",
        sent_at=at,
    )


def tree(node: Any) -> dict[str, Any]:
    return {"version": 1, "condition": node}


def is_(name: str, value: str) -> dict[str, Any]:
    return {"node": "profile", "field": name, "operator": "is", "value": value}


def rows_of(delivery: Delivery) -> dict[int, str | None]:
    """The outcomes of a delivery: the deciding rule of each profile."""
    codes = dict(TypologyRule.objects.values_list("id", "code"))
    rows = Outcome.objects.filter(delivery=delivery)
    return {
        pk: codes.get(rule) for pk, rule in rows.values_list("profile_id", "rule_id")
    }


def causes(delivery: Delivery) -> dict[int, str | None]:
    """The outcomes of an analysis now; every explanation must agree with them."""
    assert analysis.analyse(delivery).state == "ready"
    found = rows_of(delivery)
    for profile in Profile.objects.filter(pk__in=found):
        deciding = analysis.explain(delivery, profile).deciding
        assert (deciding.code if deciding else None) == found[profile.pk], profile.pk
    return found
