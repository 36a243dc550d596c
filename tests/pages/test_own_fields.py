"""Own fields on the page of preferences: asked where they may be, and kept."""

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from audiences import fields
from audiences.models import FieldValue, OwnField, Profile, SignupRequest
from audiences.signups import requesting
from tests.people import person

from .test_unidentified import _little_work, solved  # noqa: F401  (the fixture)
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


def _confirm() -> None:
    """Open the link of the mail that asks whether it is meant."""
    url = requesting.confirmation_url(SignupRequest.objects.get())
    assert browser().post(urlsplit(url).path, {"act": "1"}).status_code == 200


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


def test_visitor_reads_labels_and_choices_in_their_language(
    known: list[OwnField],
) -> None:
    texts = {"nl": {"label": "Kleur", "choices": {"Red": "Rood", "Blue": "Blauw"}}}
    same = {"label": "Colour", "choices": ["Red", "Blue"], "is_personal": True}
    fields.change_field(known[2], texts=texts, is_editable=True, **same)
    profile, url = somebody()
    said = words(browser(**{"Accept-Language": "nl"}).get(url))
    assert "Kleur" in said
    assert "Rood" in said
    assert "Colour" not in said
    posted = {"act": "1", "channels": ["email"], "shown": "email", "own_colour": "Red"}
    browser(**{"Accept-Language": "nl"}).post(url, posted)
    assert fields.values_of([profile.pk])[profile.pk] == {"colour": "Red"}


def test_sign_up_asks_for_what_the_page_chose_and_keeps_it_once_confirmed(
    known: list[OwnField],
) -> None:
    asks = ["first_name", "own:colour", "own:shoe_size", "own:birthday"]
    made = page("acquisition", channels=["email"], extra_fields=asks)
    fields.delete_field(known[1])  # one that is gone since is not asked for
    url = f"/p/{made.slug}/"
    visitor = browser()
    shown = visitor.get(url)
    said = words(shown)
    assert "Shoe size" in said
    assert "Town" not in said
    assert "Birthday" not in said
    posted: dict[str, Any] = {
        "email": "new@shop.example", "channels": ["email"], "own_colour": "Red",
        "own_shoe_size": "big", "own_town": "Delft", "proof": solved(shown),
    }  # fmt: skip
    assert 'aria-invalid="true"' in visitor.post(url, posted).content.decode()
    visitor.post(url, posted | {"own_shoe_size": "42"})
    assert not FieldValue.objects.exists()
    asked = SignupRequest.objects.get().data["fields"]
    assert asked == {"own:colour": "Red", "own:shoe_size": "42"}
    _confirm()
    pk = Profile.objects.get().pk
    assert fields.values_of([pk])[pk] == {"colour": "Red", "shoe_size": Decimal(42)}


def test_sign_up_of_somebody_known_fills_only_what_is_empty(
    known: list[OwnField],
) -> None:
    profile, _url = somebody()
    fields.set_values(profile, {known[2]: "Blue"})
    asks = ["own:colour", "own:town"]
    made = page("acquisition", channels=["email"], extra_fields=asks)
    posted = {
        "email": "ann@shop.example", "channels": ["email"], "own_colour": "Red",
        "own_town": "Delft", "proof": solved(browser().get(f"/p/{made.slug}/")),
    }  # fmt: skip
    browser().post(f"/p/{made.slug}/", posted)
    _confirm()
    have = fields.values_of([profile.pk])[profile.pk]
    assert have == {"colour": "Blue", "town": "Delft"}
