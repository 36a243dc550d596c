"""Own fields on the page of preferences: asked where they may be, and kept."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from audiences import fields
from audiences.models import FieldValue, OwnField, Profile
from tests.people import person

from .visitors import browser, page, path_to, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def known() -> list[OwnField]:
    return [
        fields.create_field("Shoe size", "number", is_editable=True),
        fields.create_field("Birthday", "date", is_editable=True),
        fields.create_field(
            "Colour", "choice", choices=["Red", "Blue"], is_editable=True
        ),
        fields.create_field("Town", "text", is_editable=True),
        fields.create_field("Club member", "yes_no", is_editable=True),
        fields.create_field("Credit", "number"),
    ]


def somebody() -> tuple[Profile, str]:
    profile = person(email="ann@shop.example")
    return profile, path_to(page("preferences", channels=["email"]), profile)


def test_visitor_edits_what_they_may_and_sees_nothing_else(
    known: list[OwnField],
) -> None:
    profile, url = somebody()
    fields.set_values(profile, {known[5]: Decimal(100), known[3]: "Delft"})
    visitor = browser()
    said = words(visitor.get(url))
    assert "Shoe size" in said
    assert "Credit" not in said
    posted: dict[str, Any] = {
        "act": "1", "channels": ["email"], "shown": "email", "own_shoe_size": "42.5",
        "own_birthday": "1990-05-01", "own_colour": "Red", "own_town": "",
        "own_club_member": "yes", "own_credit": "999",
    }  # fmt: skip
    assert visitor.post(url, posted).status_code == 200
    assert fields.values_of([profile.pk])[profile.pk] == {
        "birthday": date(1990, 5, 1),
        "club_member": True,
        "colour": "Red",
        "credit": Decimal(100),
        "shoe_size": Decimal("42.5"),
    }


def test_what_cannot_be_read_is_said_and_nothing_changes(
    known: list[OwnField],
) -> None:
    profile, url = somebody()
    posted = {"act": "1", "channels": [], "shown": "email", "own_shoe_size": "big"}
    answer = browser().post(url, posted)
    assert 'aria-invalid="true"' in answer.content.decode()
    profile.refresh_from_db()
    assert not profile.no_longer_contact_email
    assert not FieldValue.objects.exists()


def test_older_form_without_the_fields_takes_nothing_away(
    known: list[OwnField],
) -> None:
    profile, url = somebody()
    fields.set_values(profile, {known[3]: "Delft"})
    browser().post(url, {"act": "1", "channels": ["email"], "shown": "email"})
    assert FieldValue.objects.get().text == "Delft"
