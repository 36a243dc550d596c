"""Addresses attached while they are suppressed, or while that is lifted."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from audiences import addresses, suppression
from audiences.models import Address, Profile, Suppression
from audiences.suppression import Entry, Lift, Reason
from tests.delivery.test_quarantine_races import begun, in_another_session

pytestmark = [
    pytest.mark.usefixtures("transactional_db"),
    pytest.mark.skipif(
        connection.vendor == "sqlite", reason="SQLite has one writer at a time"
    ),
]
ANN = "ann@x.example"


def attach() -> None:
    addresses.attach(Profile.objects.create(), "email", ANN)


def suppress() -> None:
    suppression.suppress([Entry("email", ANN, "any", Reason.BY_HAND)])


def lift() -> None:
    suppression.lift("email", ANN, Lift.CONFIRMED)


@pytest.mark.parametrize(
    ("before", "ours", "others", "expected"),
    [
        (lambda: None, attach, suppress, True),
        (lambda: None, suppress, attach, True),
        (suppress, attach, lift, False),
        (suppress, lift, attach, False),
        (attach, lift, suppress, True),
    ],
)
def test_an_address_says_what_the_list_says_whoever_commits_first(
    before: Callable[[], Any],
    ours: Callable[[], Any],
    others: Callable[[], Any],
    expected: bool,
) -> None:
    before()
    with begun() as transaction:
        ours()
        in_another_session(others)
        transaction.close()
    assert [row.is_suppressed for row in Address.objects.all()] == [expected]
    assert suppression.active().exists() is expected
    assert Suppression.objects.count() == 1
    assert not list(suppression.different())
