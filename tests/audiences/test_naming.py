"""PROFILE is an id, an external id or an address; what is not clear is refused."""

import pytest

from audiences import profiles
from audiences.profiles import Ambiguous, NotFound
from tests.factories import ProfileFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "name",
    [
        "C-7",
        "ext:C-7",
        "JAN@x.example",
        "addr:jan@X.example",
        "+31 6 12345678",
        " C-7 ",
    ],
)
def test_each_reading_finds_the_profile(name: str) -> None:
    profile = ProfileFactory(
        external_id="C-7", email="jan@x.example", sms="+31612345678"
    )
    ProfileFactory(external_id="other", email="piet@x.example")
    assert profiles.find(name) == profile
    assert (
        profiles.find(f"id:{profile.pk}") == profiles.find(str(profile.pk)) == profile
    )


def test_readings_that_name_different_profiles_are_refused_and_listed() -> None:
    one = ProfileFactory()
    two = ProfileFactory(external_id=str(one.pk))
    with pytest.raises(Ambiguous) as refusal:
        profiles.find(str(one.pk))
    assert refusal.value.profiles == [one, two]
    assert f"id:{two.pk} (ext:{one.pk})" in str(refusal.value)
    assert profiles.find(f"id:{one.pk}") == one
    assert profiles.find(f"ext:{one.pk}") == two


def test_a_shared_address_is_refused() -> None:
    for _ in range(2):
        ProfileFactory(email="jan@x.example")
    with pytest.raises(Ambiguous):
        profiles.find("jan@x.example")


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "id:",
        "ext:",
        "addr:",
        "0",
        "-1",
        "9" * 30,
        "9" * 5000,
        "١",
        "²",
        "id:1.0",
        "a\x00b",
        "\udc80",
        "%",
        "x" * 10_000,
    ],
)
def test_what_names_nobody_is_not_found(name: str) -> None:
    ProfileFactory(email="jan@x.example")
    with pytest.raises(NotFound):
        profiles.find(name)
