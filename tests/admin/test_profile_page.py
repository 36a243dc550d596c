"""The page of a person: timeline, proof, the latest deliveries, and P4's way out."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audiences import consent, landing_pages, subscriptions, wishes
from audiences.consent import Origin
from audiences.models import Profile
from delivery import analysis, deliveries, quarantine
from delivery.models import QuarantineAction

from .conftest import World, clerk, page_values
from .elements import marked


def _url(profile: Profile, name: str = "change") -> str:
    return reverse(f"admin:audiences_profile_{name}", args=[profile.pk])


def _page(client: Client, profile: Profile) -> str:
    return client.get(_url(profile)).content.decode()


@pytest.fixture
def opted_in(world: World) -> Profile:
    """Somebody who opted in on a page, after a delivery, with evidence."""
    person = world.people[1]
    version = landing_pages.publish(world.page).version
    origin = Origin(
        source="landing_page",
        ip="192.0.2.1",
        user_agent="Browser 1",
        wording_version=version.name,
        delivery_id=world.sent.pk,
    )
    consent.opt_in(person, "email", origin)
    return person


def test_timeline_says_who_what_when_how_and_links_to_the_words(
    opted_in: Profile, world: World, admin_client: Client
) -> None:
    page = _page(admin_client, opted_in)
    event = consent.events_of(opted_in.pk)[0]
    version = world.page.versions.latest("pk")
    for text in (
        "Opted in to Email",
        "Opted out of Email",
        "by phone",
        "eva",
        event.wording_version,
        reverse("admin:audiences_landingpageversion_change", args=[version.pk]),
        reverse("admin:delivery_delivery_change", args=[world.sent.pk]),
    ):
        assert text in page, text


def test_proof_has_everything_on_record_and_the_words(
    opted_in: Profile, world: World, admin_client: Client
) -> None:
    consent.opt_out(
        opted_in,
        "sms",
        Origin(
            source="one_click",
            wording_version=landing_pages.built_in_name("unsubscription"),
        ),
    )
    subscriptions.subscribe(opted_in, world.service, Origin(source="api"))
    wishes.express(opted_in, "email", Origin(source="landing_page"), per_month=3)
    data = json.loads(admin_client.get(_url(opted_in, "proof_json")).content)
    assert [wish["per_month"] for wish in data["wishes"]] == [3]
    events = data["history"]
    assert [e["kind"] for e in events] == ["opt_out", "opt_in", "opt_out", "subscribe"]
    given = events[1]
    assert (given["ip"], given["user_agent"]) == ("192.0.2.1", "Browser 1")
    assert given["delivery"] == world.sent.pk
    words = data["wordings"][given["wording_version"]]["texts"]["en"]
    assert words["title"] == "Stop everything"
    assert data["wordings"][events[2]["wording_version"]]["published_at"] is None
    assert data["no_longer_contact"]["sms"] is True
    assert data["subscriptions"][0]["service"] == "news"
    page = admin_client.get(_url(opted_in, "proof")).content.decode()
    for text in (
        "192.0.2.1",
        "Stop everything",
        "by phone",
        "opted out",
        "News",
        "At most 3",
    ):
        assert text in page, text


def test_proof_is_for_who_may_see_the_history(world: World) -> None:
    client = clerk("looker", "view_profile")
    for name in ("proof", "proof_json", "quarantine"):
        assert client.get(_url(world.people[0], name)).status_code == 403


def test_page_says_what_deliveries_decided_and_asks_about_one(
    world: World, admin_client: Client
) -> None:
    person = world.people[1]
    page = _page(admin_client, person)
    assert "Excluded: " in page
    why = reverse("admin:delivery_delivery_why", args=[world.draft.pk, person.pk])
    answer = admin_client.get(_url(person, "would-get"), {"delivery": world.draft.pk})
    assert answer["Location"] == why
    gone = admin_client.get(_url(person, "would-get"), {"delivery": "9" * 30})
    assert gone.status_code == 404


def test_all_addresses_of_a_person_go_into_quarantine_after_a_question(
    world: World, admin_client: Client
) -> None:
    person, twin = world.people[1], world.people[2]
    url = _url(person, "quarantine")
    assert url in _page(admin_client, person)
    question = admin_client.get(url).content.decode()
    assert "twin@example.com" in question
    assert "1 other profile has" in question
    assert not QuarantineAction.objects.filter(key="twin@example.com").exists()
    admin_client.post(url, {"note": "asked by letter"})
    assert twin.addresses.get().quarantine_status == "quarantine"
    action = QuarantineAction.objects.get(key="twin@example.com")
    assert (action.actor, action.text) == ("admin", "asked by letter")
    # Again changes nothing, and what is on the denylist stays there.
    admin_client.post(url, {})
    assert QuarantineAction.objects.filter(key="twin@example.com").count() == 1


def test_quarantine_of_one_person_answers_with_undo(
    world: World, admin_client: Client
) -> None:
    person = world.people[1]
    before = person.addresses.values_list("pk", "quarantine_status")
    was = list(before)
    page = admin_client.post(_url(person, "quarantine"), {"note": ""}, follow=True)
    assert "undo" in marked(page.content.decode(), "action")
    action = QuarantineAction.objects.filter(kind="set").latest("pk")
    undo = _url(person, "undo_quarantine")
    # From the sentence, and from the line of the timeline.
    assert _page(admin_client, person).count(undo) == person.addresses.count()
    posted = {"event": action.pk}
    page = admin_client.post(undo, posted, follow=True).content.decode()
    assert "can be reached again as before" in page
    assert list(before) == was
    assert undo not in page
    again = admin_client.post(undo, posted, follow=True).content.decode()
    assert "cannot be undone" in again
    assert list(before) == was


def test_quarantine_that_somebody_confirmed_since_is_not_undone(
    world: World, admin_client: Client
) -> None:
    person = world.people[1]
    admin_client.post(_url(person, "quarantine"), {"note": ""})
    action = QuarantineAction.objects.filter(kind="set").latest("pk")
    quarantine.record(
        action.channel, action.key, type="soft", reason="complaint", source="test"
    )
    undo, posted = _url(person, "undo_quarantine"), {"event": action.pk}
    page = admin_client.post(undo, posted, follow=True).content.decode()
    assert "Not everything of it could be undone" in page
    held = person.addresses.get(key=action.key)
    assert held.quarantine_status == "denylisted"
    for foreign in ("", "x", "9" * 30):
        refused = admin_client.post(undo, {"event": foreign}, follow=True)
        assert "You may not undo this." in refused.content.decode()


def test_subscribing_somebody_again_needs_a_note(
    world: World, admin_client: Client
) -> None:
    person = world.people[0]
    origin = Origin(source="landing_page")
    subscriptions.unsubscribe(person, world.service, origin)
    url, data = _url(person, "subscribe"), {"service": world.service.pk}
    assert "note" in admin_client.post(url, data).context["form"].errors
    assert admin_client.post(url, {**data, "note": "asked"}).status_code == 302


def test_who_may_not_see_addresses_sees_them_masked(
    opted_in: Profile, world: World
) -> None:
    note = Origin(source="operator", actor="eva", note="mailed from x.y@example.com")
    consent.opt_out(opted_in, "fax", note)
    codes = ("view_profile", "view_delivery", "view_consentevent", "view_message")
    client = clerk("viewer", *codes)
    page = _page(client, opted_in)
    assert "Excluded: " in page
    for hidden in ("twin@example.com", "x.y@example.com", _url(opted_in, "proof")):
        assert hidden not in page, hidden
    assert client.get(_url(opted_in, "proof_json")).status_code == 403
    seer = clerk("seer", *codes, "see_addresses")
    data = json.loads(seer.get(_url(opted_in, "proof_json")).content)
    assert "ip" not in data["history"][1]
    assert "192.0.2.1" not in seer.get(_url(opted_in, "proof")).content.decode()


# ------------------------------------------------------------------ two at a time
def _seen(profile: Profile, **changed: str) -> dict[str, str]:
    last = consent.events_of(profile.pk).first()
    values = page_values(profile, **changed)
    return {**values, "seen_event": str(last.pk if last else 0)}


def test_second_operator_is_told_keeps_her_input_and_can_insist(
    world: World, admin_client: Client
) -> None:
    person = world.people[0]
    mine = _seen(person, first_name="Anneke", last_name="Vosse")
    Profile.objects.filter(pk=person.pk).update(first_name="Annie", language="nl")
    consent.opt_out(person, "sms", Origin(source="one_click"))
    answer = admin_client.post(_url(person), mine)
    page = answer.content.decode()
    assert "“Annie” meanwhile" in page
    form = answer.context["adminform"].form
    assert form["first_name"].value() == "Anneke"
    # What she did not touch shows what is there now.
    assert form["language"].value() == "nl"
    assert 'name="initial-first_name" value="Annie"' in page
    assert 'name="initial-no_longer_contact_sms" value="True"' in page
    again = {
        **mine,
        "initial-first_name": "Annie",
        "language": "nl",
        "initial-language": "nl",
        "initial-no_longer_contact_sms": "True",
        "no_longer_contact_sms": "on",
    }
    assert admin_client.post(_url(person), again).status_code == 302
    person.refresh_from_db()
    assert (person.first_name, person.language) == ("Anneke", "nl")
    assert person.no_longer_contact_sms


def test_what_others_changed_meanwhile_is_said_after_saving(
    world: World, admin_client: Client
) -> None:
    person = world.people[0]
    mine = _seen(person, last_name="Vosse")
    Profile.objects.filter(pk=person.pk).update(language="nl")
    consent.opt_out(person, "email", Origin(source="one_click"))
    page = admin_client.post(_url(person), mine, follow=True).content.decode()
    assert "it stays so: Language, Opt-out: Email" in page
    person.refresh_from_db()
    assert person.no_longer_contact_email


def test_opt_out_that_is_newer_than_the_page_is_not_cleared_by_it(
    world: World, admin_client: Client
) -> None:
    person = world.people[1]
    mine = _seen(person, no_longer_contact_email="", note="asked last week")
    consent.opt_in(person, "email", Origin(source="landing_page"))
    consent.opt_out(person, "email", Origin(source="one_click"))
    answer = admin_client.post(_url(person), mine)
    assert "opted out again meanwhile" in answer.content.decode()
    person.refresh_from_db()
    assert person.no_longer_contact_email
    # A second, deliberate save counts.
    again = _seen(person, no_longer_contact_email="", note="asked on the phone now")
    assert admin_client.post(_url(person), again).status_code == 302


def test_queries_of_the_page_do_not_grow_with_deliveries(
    world: World, admin_client: Client, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    person = world.people[0]
    _page(admin_client, person)
    with CaptureQueriesContext(connection) as before:
        _page(admin_client, person)
    for number in range(4):
        delivery = deliveries.create(f"More {number}", channel="email")
        analysis.analyse(delivery)
        origin = Origin(source="one_click", delivery_id=delivery.pk)
        consent.opt_out(person, "fax", origin)
        consent.opt_in(person, "fax", origin)
    with CaptureQueriesContext(connection) as after:
        _page(admin_client, person)
    # One more: the labels of the deliveries in the history.
    assert len(after) <= len(before) + 1
