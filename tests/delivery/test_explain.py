"""Why one profile does not get a delivery."""

import pytest

from audiences import consent, membership
from delivery import analysis

from .worlds import ORIGIN, delivery_of, person

pytestmark = pytest.mark.django_db
A = "a@shop.example"


def test_a_profile_outside_the_audience_matches_no_rule() -> None:
    inside, outside = person(A), person(A, out="any")
    delivery = delivery_of(audience=lambda: membership.list_of("us", [inside.pk]))
    found = analysis.explain(delivery, outside)
    assert (found.in_audience, found.deciding, found.matching) == (False, None, [])
    assert found.address == A


def test_an_explanation_tells_the_present_truth_after_an_analysis() -> None:
    profile = person(A)
    delivery = delivery_of()
    analysis.analyse(delivery)
    consent.opt_out(profile, "email", ORIGIN)
    found = analysis.explain(delivery, profile)
    assert [rule.code for rule in found.matching] == ["denylist_channel"]
    consent.opt_in(profile, "email", ORIGIN)
    assert analysis.explain(delivery, profile).matching == []
