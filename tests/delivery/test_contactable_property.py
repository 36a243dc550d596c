"""Random small worlds: who is contactable is what the oracle of the analysis says.

Copies beside the addresses may be spoilt: as at the last check the lists are asked.
"""

from collections import defaultdict
from datetime import timedelta
from typing import Any

from django.utils import timezone
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra.django import TestCase

from audiences import addresses, consent, subscriptions, suppression, wishes
from audiences.channels import Channel
from audiences.models import Address, Profile, Service
from audiences.suppression import Entry, Reason
from delivery.models import Delivery, Message
from delivery.rules import writing
from delivery.sending import contactable
from delivery.sending.contactable import Question
from tests.examples import examples

from .fatigue_oracle import is_fatigued
from .oracle import Oracle
from .worlds import ADDRESSES, INVALID, ORIGIN, block, delivery_of, give, subscribed

LAND, OFTEN = "filter:land", "fatigue:often"
LIMIT = {"maximum": 1, "period_days": 7, "channel": ""}
IN_ORDER = [
    *("unknown", "address_missing", "address_invalid", "suppressed"),
    *("denylist_any_channel", "denylist_channel", "paused", "address_denylisted"),
    *("address_quarantined", "not_subscribed", LAND, "own_limit", OFTEN),
]
OF_ADDRESS = {
    *("address_missing", "address_invalid", "suppressed"),
    *("address_denylisted", "address_quarantined"),
}
STATUSES = ["valid", "valid", "erroneous", "quarantine", "denylisted"]
SUBSCRIPTIONS = ["none", "active", "active", "unsubscribed", "past", "soon"]
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "addresses": st.lists(st.integers(0, 4), max_size=2),
            "invalid": st.sampled_from([False, False, False, True]),
            "out": st.sampled_from(["", "", "any", "same", "other"]),
            "subscription": st.sampled_from(SUBSCRIPTIONS),
            "country": st.sampled_from(["NL", "NL", "XX"]),
            "messages": st.integers(0, 2),
            "limit": st.sampled_from([None, None, None, 1, 2]),
            "pause": st.sampled_from([None, None, None, -1, 1]),
            "wish": st.sampled_from(["any", "same", "other"]),
        }
    ),
    max_size=8,
)


class Worlds(TestCase):
    @settings(
        max_examples=examples(20),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        people=PEOPLE,
        channel=st.sampled_from(Channel.values),
        statuses=st.lists(st.sampled_from(STATUSES), min_size=5, max_size=5),
        suppressed=st.dictionaries(
            st.integers(0, 4), st.sampled_from(["any", "same", "other"]), max_size=2
        ),
        spoils_copies=st.booleans(),
        with_service=st.booleans(),
        with_rules=st.booleans(),
        purpose=st.sampled_from(["marketing", "marketing", "transactional", "legal"]),
    )
    def test_contactable_is_whom_the_oracle_lets_through(
        self,
        people: list[dict[str, Any]],
        channel: str,
        statuses: list[str],
        suppressed: dict[int, str],
        spoils_copies: bool,
        with_service: bool,
        with_rules: bool,
        purpose: str,
    ) -> None:
        service = subscriptions.create_service("news", label="News", channel=channel)
        past = [delivery_of(f"Past {n}", channel=channel) for n in range(2)]
        for facts in people:
            _person(facts, channel, service, past)
        for number, status in enumerate(statuses):
            if status != "valid":
                block(channel, ADDRESSES[channel][number], status)
        suppression.suppress(
            Entry(
                channel,
                addresses.accept(channel, ADDRESSES[channel][number]).key,
                _scope(scope, channel),
                Reason.BY_HAND,
            )
            for number, scope in suppressed.items()
        )
        if spoils_copies:
            Address.objects.update(quarantine_status="valid", is_suppressed=False)
        if with_rules:
            _rules()
        delivery = delivery_of(
            channel=channel, service=service if with_service else None, purpose=purpose
        )
        oracle = Oracle(delivery, _operators(delivery) if with_rules else ())
        question = Question(channel, purpose, delivery.service)
        _agree(question, oracle)


def _agree(question: Question, oracle: Oracle) -> None:
    expected = {
        pk: [code for code in codes if code != "duplicate_address"]
        for pk, codes in oracle.matching.items()
    }
    found = contactable.of_profiles(question, [*expected, 0])
    assert {pk: [*answer.causes] for pk, answer in found.items()} == expected
    texts = [*ADDRESSES[question.channel], INVALID.get(question.channel, " ")]
    answers = contactable.of_addresses(question, texts)
    owners: dict[str, set[int]] = defaultdict(set)
    for row in Address.objects.filter(channel=question.channel, is_valid=True):
        owners[row.key].add(row.profile_id)
    for text in texts:
        given = addresses.accept(question.channel, text)
        codes = _of_address(question, given, owners[given.key], expected, oracle)
        assert [*answers[text].causes] == sorted(codes, key=IN_ORDER.index), text


def _of_address(
    question: Question,
    given: addresses.Normalised,
    owners: set[int],
    expected: dict[int, list[str]],
    oracle: Oracle,
) -> set[str]:
    if not given.is_valid:
        return {"address_invalid"}
    codes = {code for pk in owners for code in expected[pk]} - OF_ADDRESS
    codes |= set() if owners else {"unknown"}
    row = Address(channel=question.channel, key=given.key, is_valid=True)
    status = {"denylisted": "address_denylisted", "quarantine": "address_quarantined"}
    codes |= {status[s] for s in [oracle._status(row)] if s in status}
    is_listed = question.purpose != "legal" and oracle._suppressed(row)
    return codes | ({"suppressed"} if is_listed else set())


def _scope(name: str, channel: str) -> str:
    other = "sms" if channel != "sms" else "email"
    return {"same": channel, "other": other}.get(name, name)


def _person(
    facts: dict[str, Any], channel: str, service: Service, past: list[Delivery]
) -> None:
    profile = Profile.objects.create(country=facts["country"])
    if facts["invalid"] and channel in INVALID:
        give(profile, channel, INVALID[channel])
    for number in facts["addresses"]:
        give(profile, channel, ADDRESSES[channel][number])
    if facts["out"]:
        consent.opt_out(profile, _scope(facts["out"], channel), ORIGIN)
    name = facts["subscription"]
    if name in ("past", "soon"):
        ends = timezone.now() + timedelta(days=-1 if name == "past" else 1)
        subscribed(profile, service, expires_at=ends)
    elif name != "none":
        subscribed(profile, service, name)
    for delivery in past[: facts["messages"]]:
        Message.objects.create(
            delivery=delivery,
            profile=profile,
            channel=channel,
            address="somewhere",
            sent_at=timezone.now() - timedelta(days=3),
        )
    about = _scope(facts["wish"], channel)
    if facts["limit"]:
        wishes.express(profile, about, ORIGIN, per_month=facts["limit"])
    if facts["pause"]:
        until = timezone.now() + timedelta(days=facts["pause"])
        wishes.express(profile, about, ORIGIN, paused_until=until)


def _rules() -> None:
    node = {"node": "profile", "field": "country", "operator": "is", "value": "XX"}
    rows = [
        writing.create_fatigue_rule("often", maximum=1, period_days=7),
        writing.create_filtering_rule("land", condition=_tree(node)),
    ]
    writing.set_rules(writing.default_typology(), rows)


def _tree(node: Any) -> dict[str, Any]:
    return {"version": 1, "condition": node}


def _operators(delivery: Delivery) -> list[tuple[str, Any]]:
    def is_often(profile: Profile) -> bool:
        asked = delivery.purpose == "marketing"
        return asked and is_fatigued(delivery, profile, LIMIT)

    return [(LAND, lambda profile: profile.country == "XX"), (OFTEN, is_often)]
