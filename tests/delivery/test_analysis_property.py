"""Random small worlds: the analysis says what the oracle says."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra.django import TestCase

from audiences import consent, membership, subscriptions
from audiences.channels import Channel
from audiences.models import Profile
from tests.examples import examples

from .worlds import (
    ADDRESSES,
    INVALID,
    ORIGIN,
    assert_as_oracle,
    block,
    delivery_of,
    give,
    subscribed,
)

PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "addresses": st.lists(st.integers(0, 3), max_size=2),
            "invalid": st.sampled_from([False, False, False, True]),
            "out": st.sets(st.sampled_from(["any", "same", "other"]), max_size=1),
            "subscription": st.sampled_from(
                ["none", "active", "active", "pending", "unsubscribed", "past", "soon"]
            ),
            "listed": st.booleans(),
        }
    ),
    max_size=12,
)


class Worlds(TestCase):
    @settings(
        max_examples=examples(15),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        people=PEOPLE,
        channel=st.sampled_from(Channel.values),
        statuses=st.lists(
            st.sampled_from(
                ["valid", "valid", "erroneous", "quarantine", "denylisted"]
            ),
            min_size=4,
            max_size=4,
        ),
        kind=st.sampled_from(["everyone", "subscribers", "list"]),
        with_service=st.booleans(),
        later=st.booleans(),
        purpose=st.sampled_from(["marketing", "marketing", "transactional", "legal"]),
        size=st.integers(1, 5),
    )
    def test_everything_agrees_with_the_oracle(
        self,
        people: list[dict[str, Any]],
        channel: str,
        statuses: list[str],
        kind: str,
        with_service: bool,
        later: bool,
        purpose: str,
        size: int,
    ) -> None:
        service = subscriptions.create_service("news", label="News", channel=channel)
        listed = [self._person(facts, channel, service).pk for facts in people]
        chosen = [
            pk for pk, facts in zip(listed, people, strict=True) if facts["listed"]
        ]
        for number, status in enumerate(statuses):
            if status != "valid":
                block(channel, ADDRESSES[channel][number], status)
        audience = {
            "everyone": membership.everyone,
            "subscribers": lambda: membership.subscribers(service),
            "list": lambda: membership.list_of("chosen", chosen),
        }[kind]
        delivery = delivery_of(
            channel=channel,
            audience=audience,
            service=service if with_service else None,
            purpose=purpose,
            contact_date=timezone.now() + timedelta(days=3) if later else None,
        )
        with override_settings(ANALYSIS_CHUNK_SIZE=size):
            assert_as_oracle(delivery)
            assert_as_oracle(delivery)  # repeating replaces the results

    def _person(self, facts: dict[str, Any], channel: str, service: Any) -> Profile:
        profile = Profile.objects.create()
        if facts["invalid"] and channel in INVALID:
            give(profile, channel, INVALID[channel])
        for number in facts["addresses"]:
            give(profile, channel, ADDRESSES[channel][number])
        other = "sms" if channel != "sms" else "email"
        for scope in facts["out"]:
            scopes = {"same": channel, "other": other}
            consent.opt_out(profile, scopes.get(scope, scope), ORIGIN)
        days = {"past": -1, "soon": 1}
        name = facts["subscription"]
        if name in days:
            ends = timezone.now() + timedelta(days=days[name])
            subscribed(profile, service, expires_at=ends)
        elif name != "none":
            subscribed(profile, service, name)
        return profile


pytestmark = pytest.mark.django_db
