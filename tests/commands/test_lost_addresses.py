"""People without one address are no agreement: a restore has lost a table."""

from collections.abc import Callable

import pytest

from tests.factories import many_profiles
from tests.people import person

from .conftest import Outcome

pytestmark = pytest.mark.django_db


def test_people_without_one_address_do_not_agree(run: Callable[..., Outcome]) -> None:
    many_profiles(9)
    assert run("verify_consent").code == 0
    many_profiles(1, prefix="more-")
    done = run("verify_consent")
    assert done.code == 1
    assert "not one address" in done.out
    person(email="ann@shop.example")
    assert run("verify_consent").code == 0
