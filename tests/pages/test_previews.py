"""What operators try on a page changes nothing (L6)."""

from typing import Any

import pytest
from django.test import RequestFactory

from audiences import consent, landing_pages
from audiences.models import LandingPage, Profile
from audiences.pages.previews import preview
from tests.factories import BY_COMMAND, ProfileFactory

from .test_http import everything
from .visitors import news, page, ticked, undo_of, words

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", LandingPage.Kind.values)
@pytest.mark.parametrize("who", ["invented", "chosen"])
def test_a_test_shows_what_would_happen_and_changes_nothing(
    kind: str, who: str
) -> None:
    service = news() if kind == "subscription" else None
    made = landing_pages.create("try", kind=kind, service=service)
    profile = ProfileFactory(email="a@example.com") if who == "chosen" else None
    before = everything()
    content = landing_pages.snapshot(made)
    for method in ("get", "post"):
        request = getattr(RequestFactory(), method)("/admin/x/", {"act": "1"})
        text = words(preview(request, content, profile))
        assert "Nothing will change." in text
    if kind == "denylist":
        assert "You don't get any messages from us" in text
    assert everything() == before


def test_a_test_shows_the_state_of_the_chosen_profile() -> None:
    profile: Profile = ProfileFactory(email="a@example.com")
    consent.opt_out(profile, "sms", BY_COMMAND)
    made = page("preferences", channels=["email", "sms"])
    request = RequestFactory().get("/admin/x/")
    answer = preview(request, landing_pages.snapshot(made), profile)
    assert ticked(answer) == {"email"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"as": "anybody"}, "Enter your address"),
        ({"as": "late"}, "This page is closed To change or stop what you get"),
        ({"as": "late", "lang": "nl"}, "Deze pagina is gesloten Wil je iets wijzigen"),
    ],
)
def test_other_visits_can_be_looked_at(query: dict[str, Any], said: str) -> None:
    made = landing_pages.create("try", kind="preferences")
    request = RequestFactory().get("/admin/x/", query)
    assert said in words(preview(request, landing_pages.snapshot(made)))


@pytest.mark.parametrize("kind", ["denylist", "preferences", "unsubscription"])
@pytest.mark.parametrize("who", ["invented", "chosen"])
def test_the_undo_of_a_test_shows_that_it_is_as_before(kind: str, who: str) -> None:
    profile = ProfileFactory(email="a@example.com") if who == "chosen" else None
    content = landing_pages.snapshot(landing_pages.create("try", kind=kind))
    before = everything()
    done = preview(RequestFactory().post("/admin/x/", {"act": "1"}), content, profile)
    request = RequestFactory().post("/admin/x/", {"undo": undo_of(done)})
    text = words(preview(request, content, profile))
    assert "Everything is as it was before." in text
    assert "You can get" in text
    assert "Nothing will change." in text
    assert everything() == before


def test_the_notice_of_a_test_is_in_the_language_of_the_page() -> None:
    profile = ProfileFactory(email="a@example.com", language="nl")
    content = landing_pages.snapshot(landing_pages.create("try", kind="denylist"))
    text = words(preview(RequestFactory().get("/admin/x/"), content, profile))
    assert "Dit is een test. Er verandert niets." in text
