"""Each rule excludes, alone and before the later ones, on every channel."""

from datetime import timedelta
from itertools import combinations

import pytest
from django.utils import timezone

from audiences import consent, subscriptions, suppression, wishes
from audiences.models import Profile
from audiences.suppression import Entry, Reason
from delivery import analysis
from tests.people import ago, got

from .oracle import SKIPPED
from .worlds import (
    ADDRESSES,
    INVALID,
    ORIGIN,
    assert_as_oracle,
    block,
    delivery_of,
    give,
    rows_of,
    subscribed,
)

CODES = [
    "address_missing",
    "address_invalid",
    "suppressed",
    "denylist_any_channel",
    "denylist_channel",
    "paused",
    "address_denylisted",
    "address_quarantined",
    "not_subscribed",
    "own_limit",
]
# What an address is: one of these at most can be true of a profile.
OF_ADDRESS = {
    "address_missing",
    "address_invalid",
    "suppressed",
    "address_denylisted",
    "address_quarantined",
}
CASES = [(code,) for code in CODES] + [
    pair for pair in combinations(CODES, 2) if not set(pair) <= OF_ADDRESS
]
pytestmark = pytest.mark.django_db


def _wish(profile: Profile, codes: tuple[str, ...], channel: str) -> None:
    if "paused" in codes:
        until = timezone.now() + timedelta(days=90)
        wishes.express(profile, "any", ORIGIN, paused_until=until)
    if "own_limit" in codes:
        wishes.express(profile, channel, ORIGIN, per_month=1)
        got(profile, ago(3), channel=channel)


def _met_by(codes: tuple[str, ...], channel: str, service: object) -> Profile:
    profile = Profile.objects.create()
    text = ADDRESSES[channel][0]
    if "address_invalid" in codes:
        give(profile, channel, INVALID[channel])
    elif "address_missing" not in codes:
        give(profile, channel, text)
    if "suppressed" in codes:
        key = profile.addresses.get().key
        suppression.suppress([Entry(channel, key, channel, Reason.BY_HAND)])
    if "denylist_any_channel" in codes:
        consent.opt_out(profile, "any", ORIGIN)
    if "denylist_channel" in codes:
        consent.opt_out(profile, channel, ORIGIN)
    if "address_denylisted" in codes:
        block(channel, text, "denylisted")
    if "address_quarantined" in codes:
        block(channel, text, "quarantine")
    _wish(profile, codes, channel)
    if "not_subscribed" not in codes:
        subscribed(profile, service)  # type: ignore[arg-type]
    return profile


@pytest.mark.parametrize("channel", list(ADDRESSES))
@pytest.mark.parametrize("codes", CASES, ids="+".join)
def test_the_earlier_rule_decides_and_both_are_explained(
    codes: tuple[str, ...], channel: str
) -> None:
    if "address_invalid" in codes and channel not in INVALID:
        pytest.skip("any text is a postal address")
    service = subscriptions.create_service("news", label="News", channel=channel)
    profile = _met_by(codes, channel, service)
    delivery = delivery_of(channel=channel, service=service)
    analysis.analyse(delivery)
    assert rows_of(delivery) == {profile.pk: codes[0]}
    found = analysis.explain(delivery, profile)
    assert [rule.code for rule in found.matching] == list(codes)


@pytest.mark.parametrize("purpose", list(SKIPPED))
@pytest.mark.parametrize("code", [*CODES, "duplicate_address"])
def test_a_purpose_skips_what_it_says_and_no_more(code: str, purpose: str) -> None:
    service = subscriptions.create_service("news", label="News", channel="email")
    if code == "duplicate_address":
        _met_by((), "email", service)
    profile = _met_by((code,), "email", service)
    delivery = delivery_of(service=service, purpose=purpose)
    assert_as_oracle(delivery)
    expected = None if code in SKIPPED[purpose] else code
    assert rows_of(delivery)[profile.pk] == expected


def test_causes_are_listed_in_rule_order_also_with_none_excluded() -> None:
    report = analysis.analyse(delivery_of())
    native = [line.code for line in report.causes]
    assert native == [*CODES, "duplicate_address"]
    assert (report.state, report.targeted, report.to_deliver) == ("ready", 0, 0)
