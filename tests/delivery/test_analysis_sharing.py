"""Who shares an address: duplicates, and the warning about opted-out twins (P4)."""

import pytest

from audiences import membership
from delivery import analysis

from .worlds import assert_as_oracle, block, delivery_of, person, rows_of, warned_of

pytestmark = pytest.mark.django_db
A, B, C = "a@shop.example", "b@shop.example", "c@shop.example"


def test_opting_out_excludes_a_profile_with_both_its_addresses() -> None:
    profile = person(A, B, out="email")
    delivery = delivery_of()
    assert_as_oracle(delivery)
    assert rows_of(delivery) == {profile.pk: "denylist_channel"}


@pytest.mark.parametrize("scope", ["any", "email"])
@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("secondary", [False, True])
def test_the_twin_of_an_opted_out_profile_is_targeted_and_warned_about(
    scope: str, outside: bool, secondary: bool
) -> None:
    out = person(B, A, out=scope) if secondary else person(A, out=scope)
    twin = person(A)
    ids = [twin.pk] if outside else [out.pk, twin.pk]
    delivery = delivery_of(audience=lambda: membership.list_of("us", ids))
    assert_as_oracle(delivery)
    assert rows_of(delivery)[twin.pk] is None
    assert warned_of(delivery) == {twin.pk}


def test_a_twin_opted_out_of_another_channel_raises_no_warning() -> None:
    person(A, out="sms")
    delivery = delivery_of()
    assert_as_oracle(delivery)
    assert warned_of(delivery) == set()


def test_of_three_holders_the_lowest_deliverable_id_keeps_the_address() -> None:
    first, second, third = person(A, out="any"), person(A), person(A)
    delivery = delivery_of()
    assert_as_oracle(delivery)
    assert rows_of(delivery) == {
        first.pk: "denylist_any_channel",
        second.pk: None,
        third.pk: "duplicate_address",
    }


def test_a_secondary_address_makes_nobody_a_duplicate() -> None:
    people = [person(A, C), person(B, A)]
    delivery = delivery_of()
    assert_as_oracle(delivery)
    assert rows_of(delivery) == {p.pk: None for p in people}


def test_equal_invalid_addresses_are_invalid_not_duplicates_nor_shared() -> None:
    people = [person("nonsense", out="sms"), person("NONSENSE")]
    block("sms", "+31612345678", "quarantine")
    delivery = delivery_of()
    assert_as_oracle(delivery)
    assert rows_of(delivery) == {p.pk: "address_invalid" for p in people}


@pytest.mark.parametrize(
    ("channel", "one", "other"),
    [
        ("email", "Ann@Shop.example", "ann@shop.EXAMPLE"),
        ("email", "ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("email", "rene\u0301@shop.example", "ren\u00e9@shop.example"),
        ("sms", "+31 6 1234 5678", "+31(0)612345678"),
        ("direct_mail", "Lane 1,  Delft", "LANE 1, Delft"),
    ],
)
def test_spellings_of_one_address_are_duplicates_and_share_a_quarantine(
    channel: str, one: str, other: str
) -> None:
    first, second = (person(text, channel=channel) for text in (one, other))
    delivery = delivery_of(channel=channel)
    assert_as_oracle(delivery)
    assert rows_of(delivery) == {first.pk: None, second.pk: "duplicate_address"}
    block(channel, other, "quarantine")
    assert_as_oracle(delivery)
    assert set(rows_of(delivery).values()) == {"address_quarantined"}


def test_push_tokens_that_differ_in_case_are_two_addresses() -> None:
    people = [person("Token", channel="push"), person("token", channel="push")]
    delivery = delivery_of(channel="push")
    analysis.analyse(delivery)
    assert rows_of(delivery) == {p.pk: None for p in people}
