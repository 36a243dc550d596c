"""From a person's page: opt out and in, undo, and one timeline of everything."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audiences import consent, subscriptions
from audiences.admin.people import timeline
from audiences.consent import Origin
from audiences.models import ConsentEvent, Profile
from audiences.privacy import requests
from audiences.selections import undoing
from delivery import quarantine
from delivery.models import Analysis, Delivery, Outcome, TypologyRule

from .conftest import World, clerk
from .elements import marked


def _url(profile: Profile, name: str = "change") -> str:
    return reverse(f"admin:audiences_profile_{name}", args=[profile.pk])


def _events(profile: Profile) -> list[ConsentEvent]:
    return list(consent.events_of(profile.pk))


def _out(client: Client, profile: Profile, scope: str = "email") -> str:
    posted = {"scope": scope, "note": "by phone"}
    return client.post(_url(profile, "opt_out"), posted, follow=True).content.decode()


def _undo(client: Client, profile: Profile) -> str:
    posted = {"event": str(_events(profile)[0].pk)}
    return client.post(_url(profile, "undo"), posted, follow=True).content.decode()


def test_opting_out_answers_with_a_sentence_and_undo_restores(
    world: World, admin_client: Client
) -> None:
    person = world.people[0]
    page = _out(admin_client, person)
    assert "Anna Vos is opted out of Email." in page
    assert "undo" in marked(page, "action")
    page = _undo(admin_client, person)
    assert "Undone: Anna Vos is no longer opted out of Email." in page
    person.refresh_from_db()
    assert not person.no_longer_contact_email
    last = _events(person)[0]
    assert (last.kind, last.evidence.actor) == ("opt_in", "admin")
    assert last.evidence.note.startswith("Undone: what admin did on ")


def test_what_the_person_did_is_never_undone(
    world: World, admin_client: Client
) -> None:
    person = world.people[0]
    consent.opt_out(person, "email", Origin(source="one_click"))
    assert "cannot be undone" in _undo(admin_client, person)
    person.refresh_from_db()
    assert person.no_longer_contact_email


def test_what_the_person_says_after_an_operator_is_not_undone(
    world: World, admin_client: Client
) -> None:
    person = world.people[0]
    _out(admin_client, person)
    first = _events(person)[0]
    consent.opt_out(person, "email", Origin(source="one_click"))
    page = admin_client.post(
        _url(person, "undo"), {"event": str(first.pk)}, follow=True
    ).content.decode()
    assert "cannot be undone" in page
    person.refresh_from_db()
    assert person.no_longer_contact_email


@pytest.mark.parametrize("why", ["older", "another operator", "restricted", "no right"])
def test_undo_is_for_who_did_it_a_moment_ago(
    why: str, world: World, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, client = world.people[0], admin_client
    _out(client, person)
    if why == "older":
        monkeypatch.setattr(undoing, "UNDO_LIFE", timedelta(0))
    elif why == "another operator":
        client = clerk("ben", "view_profile", "opt_out_profile", "opt_in_profile")
    elif why == "no right":
        client = clerk("ben", "view_profile", "opt_out_profile")
    else:
        asked = requests.record(person, "restriction", "stop", actor="eva")
        requests.decide(asked, is_granted=True, actor="eva", note="")
    _undo(client, person)
    person.refresh_from_db()
    assert person.no_longer_contact_email


def test_opting_in_needs_a_note_and_can_be_undone(
    world: World, admin_client: Client
) -> None:
    person = world.people[1]
    url = _url(person, "opt_in")
    assert "note" in admin_client.post(url, {"scope": "email"}).context["form"].errors
    posted = {"scope": "email", "note": "asked by phone"}
    page = admin_client.post(url, posted, follow=True).content.decode()
    assert "is opted in to Email" in page
    _undo(admin_client, person)
    person.refresh_from_db()
    assert person.no_longer_contact_email


def test_subscription_is_undone_and_one_that_is_blocked_says_so(
    world: World, admin_client: Client
) -> None:
    person = world.people[1]
    posted = {"service": world.service.pk, "note": ""}
    page = admin_client.post(
        _url(person, "subscribe"), posted, follow=True
    ).content.decode()
    assert "is subscribed to “News”" in page
    assert "blocked by an opt-out" in page
    _undo(admin_client, person)
    assert person.subscriptions.get().status == "unsubscribed"


def test_state_of_each_channel_stands_at_the_top(
    world: World, admin_client: Client
) -> None:
    page = admin_client.get(_url(world.people[1])).content.decode()
    assert "opted out since" in page
    assert "by eva" in page
    bounced = admin_client.get(_url(world.people[3])).content.decode()
    assert "address is in quarantine" in bounced
    free = admin_client.get(_url(world.people[4])).content.decode()
    assert "reachable" in free
    assert "no address" in free


def test_roles_see_only_the_buttons_that_they_may_press(world: World) -> None:
    viewer = clerk("viewer", "view_profile").get(_url(world.people[0]))
    assert not marked(viewer.content.decode(), "action")
    helper = clerk("helper", "view_profile", "opt_out_profile")
    page = helper.get(_url(world.people[0])).content.decode()
    assert set(marked(page, "action")) == {"opt_out"}


# ------------------------------------------------------------------ the timeline
def test_everything_that_happened_is_one_list_that_can_be_filtered(
    world: World, admin_client: Client
) -> None:
    person = world.people[0]
    subscriptions.unsubscribe(person, world.service, Origin(source="one_click"))
    quarantine.record(
        "email", "anna.vos@example.com", type="soft", source="test", text="full"
    )
    page = admin_client.get(_url(person)).content.decode()
    for text in ("Unsubscribed from “News”", "Got “Sent”", "failed:"):
        assert text in page, text
    only = admin_client.get(_url(person), {"show": "messages"}).content.decode()
    assert "Got “Sent”" in only
    assert "Unsubscribed from “News”" not in only
    excluded = admin_client.get(_url(world.people[1])).content.decode()
    assert "Excluded from “Prepared”: " in excluded


def test_pages_of_the_timeline_follow_each_other_without_gap_or_repetition(
    world: World, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "ON_A_PAGE", 3)
    person, at = world.people[4], timezone.now() - timedelta(days=2)
    for number in range(8):
        origin = Origin(source="api", note=f"n{number}", at=at)
        act = consent.opt_in if number % 2 else consent.opt_out
        act(person, "fax", origin)
    seen: list[int] = []
    query = {"show": "consent"}
    for _page in range(4):
        found: Any = admin_client.get(_url(person), query).context["timeline"]
        seen += [entry.key for entry in found.entries]
        if not found.older:
            break
        query = {"show": "consent", "before": found.older}
    events = ConsentEvent.objects.filter(profile=person).order_by("-pk")
    assert seen == list(events.values_list("pk", flat=True))


@pytest.mark.parametrize("before", ["x", "2026-01-01~1~1", "~~", "9" * 50])
def test_meaningless_place_in_the_timeline_shows_its_beginning(
    before: str, world: World, admin_client: Client
) -> None:
    answer = admin_client.get(_url(world.people[0]), {"before": before})
    assert answer.status_code == 200


def test_exclusions_of_a_whole_year_are_found_in_the_same_statements(
    world: World, admin_client: Client
) -> None:
    """However many deliveries there were since; what is older than a year is not."""
    person, rule = world.people[0], TypologyRule.objects.order_by("pk")[0]
    facts = {"channel": "email", "audience": world.draft.audience}

    def excluded(count: int, days: float) -> None:
        made = Delivery.objects.bulk_create(
            Delivery(label=f"D{days:g}-{number}", **facts) for number in range(count)
        )
        at = timezone.now() - timedelta(days=days)
        Analysis.objects.bulk_create(
            Analysis(delivery=each, at=at, finished_at=at, definition={})
            for each in made
        )
        Outcome.objects.bulk_create(
            Outcome(delivery=each, profile=person, rule=rule) for each in made
        )

    def shown(query: str = "") -> tuple[str, int]:
        with CaptureQueriesContext(connection) as statements:
            page = admin_client.get(f"{_url(person)}?show=exclusions{query}")
        return page.content.decode(), len(statements)

    excluded(timeline.ON_A_PAGE, 300)
    excluded(1, 400)
    shown()
    _page, few = shown()
    excluded(60, 1)
    page, many = shown()
    assert many == few
    labels = set(re.findall(r"Excluded from “(D[\d.]+-\d+)”", page))
    while older := re.search(r"\?show=exclusions&amp;(before=[^#\"]+)#", page):
        page = shown(f"&{html.unescape(older[1])}")[0]
        found = set(re.findall(r"Excluded from “(D[\d.]+-\d+)”", page))
        assert found - labels, "a page that repeats"
        labels |= found
    assert len(labels) == 60 + timeline.ON_A_PAGE
    assert not any(label.startswith("D400") for label in labels)
