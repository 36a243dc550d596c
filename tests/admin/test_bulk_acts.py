"""Changes of many people: asked first, in chunks, by whom the list shows, and counted."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audiences import consent, tasks
from audiences.admin.people import bulk_acts as pages
from audiences.background import jobs
from audiences.consent import Origin
from audiences.models import BulkAct, ConsentEvent, Profile, Subscription
from audiences.selections import acts, bulk_acts, filters
from tests.factories import ServiceFactory, many_profiles

from .conftest import World, clerk
from .elements import marked

BULK = "admin:audiences_profile_bulk"


def _run(client: Client, query: str, **posted: str) -> Any:
    return client.post(f"{reverse(BULK)}?{query}", posted, follow=True)


def test_action_of_the_list_asks_before_it_acts(
    world: World, admin_client: Client
) -> None:
    chosen = [world.people[0].pk, world.people[2].pk]
    listed = reverse("admin:audiences_profile_changelist")
    posted = {"action": "opt_out", "_selected_action": chosen}
    asked = admin_client.post(listed, posted, follow=True)
    assert marked(asked.content.decode(), "count") == {"people": "2 people"}
    assert not BulkAct.objects.exists()
    query = asked.redirect_chain[-1][0].partition("?")[2]
    page = _run(admin_client, query, scope="sms", note="letter of May").content.decode()
    act = BulkAct.objects.get()
    assert (act.state, act.seen, act.changed, act.actor) == ("done", 2, 2, "admin")
    assert marked(page, "count") == {"changed": "2", "unchanged": "0"}
    assert "done" in marked(page, "state")
    assert "letter of May" in page
    out = Profile.objects.filter(no_longer_contact_sms=True)
    assert sorted(out.values_list("pk", flat=True)) == sorted(chosen)
    event = consent.events_of(chosen[0])[0]
    assert (event.source, event.evidence.actor) == ("operator", "admin")


def test_whole_filtered_list_is_meant_not_the_page(
    world: World, admin_client: Client
) -> None:
    many_profiles(60, "bulk")
    Profile.objects.filter(external_id__startswith="bulk").update(language="fr")
    listed = reverse("admin:audiences_profile_changelist") + "?language=fr"
    page = admin_client.get(listed).content.decode()
    assert f"{reverse(BULK)}?language=fr" in page
    posted = {"action": "opt_out", "_selected_action": [1], "select_across": "1"}
    asked = admin_client.post(listed, posted, follow=True)
    assert marked(asked.content.decode(), "count") == {"people": "60 people"}
    _run(admin_client, "language=fr&act=opt_out", scope="any")
    assert Profile.objects.filter(no_longer_contact=True).count() == 60


@pytest.mark.parametrize(
    ("code", "posted", "error"),
    [
        ("opt_in", {"scope": "email", "note": " "}, "note"),
        ("opt_out", {"scope": "pigeon"}, "scope"),
        ("opt_out", {"scope": ""}, "scope"),
        ("subscribe", {"service": "gone"}, "service"),
    ],
)
def test_what_is_missing_is_said_at_its_field(
    code: str, posted: dict[str, str], error: str, world: World, admin_client: Client
) -> None:
    answer = _run(admin_client, f"act={code}", **posted)
    assert error in answer.context["form"].errors
    assert not BulkAct.objects.exists()


def test_each_act_changes_who_needs_it_and_says_who_was_so_already(
    world: World, admin_client: Client
) -> None:
    everybody = Profile.objects.count()
    for query, posted, changed in (
        ("act=opt_out", {"scope": "email"}, everybody - 1),
        ("act=opt_in", {"scope": "email", "note": "asked"}, everybody),
        ("act=subscribe", {"service": "news"}, everybody - 1),
        ("service=news&act=unsubscribe", {"service": "news"}, everybody),
    ):
        _run(admin_client, query, **posted)
        act = BulkAct.objects.first()
        assert act
        assert (act.seen, act.changed) == (everybody, changed), query
    assert not Subscription.objects.filter(status="active").exists()


def test_no_channel_is_chosen_before_the_operator_chooses(
    world: World, admin_client: Client
) -> None:
    page = admin_client.get(f"{reverse(BULK)}?act=opt_out&ids=1")
    first = page.context["form"]["scope"].subwidgets[0].data
    assert (first["value"], page.context["form"]["scope"].value()) == ("", None)


@pytest.mark.parametrize(
    ("count", "bound", "words"),
    [
        (1, 3, "1 person"),
        (3, 3, "3 people"),
        (4, 3, "more than 3 people"),
    ],
)
def test_how_many_people_are_meant_is_said_up_to_a_bound(
    count: int,
    bound: int,
    words: str,
    world: World,
    admin_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "COUNTED", bound)
    many_profiles(count, "bulk")
    Profile.objects.filter(external_id__startswith="bulk").update(language="fr")
    page = admin_client.get(f"{reverse(BULK)}?act=opt_out&language=fr")
    assert f"yes, {words}" in page.content.decode()


def test_services_are_named_as_operators_know_them(
    world: World, admin_client: Client
) -> None:
    ServiceFactory(slug="sp-7", label="Spring offers")
    _run(admin_client, "service=sp-7&act=subscribe", service="sp-7")
    page = admin_client.get(reverse("admin:audiences_bulkact_changelist"))
    assert "Subscribe: Spring offers" in page.content.decode()
    assert "subscribed to: Spring offers" in page.content.decode()


def test_a_closed_service_is_refused_before_anything_begins(
    world: World, admin_client: Client
) -> None:
    ServiceFactory(slug="shut", is_closed=True)
    page = _run(admin_client, "act=subscribe", service="shut").content.decode()
    assert "takes no new subscriptions" in page
    assert not BulkAct.objects.exists()
    _run(admin_client, "act=unsubscribe", service="shut")
    assert BulkAct.objects.get().state == "done"


def test_addresses_of_many_are_quarantined(world: World, admin_client: Client) -> None:
    person = world.people[0]
    _run(admin_client, f"ids={person.pk}&act=quarantine", note="all of them bounce")
    held = person.addresses.values_list("quarantine_status", flat=True)
    assert set(held) == {"quarantine"}


def test_who_may_not_change_people_changes_nobody(world: World) -> None:
    client = clerk("looker", "view_profile", "view_bulkact")
    assert client.get(reverse(BULK)).status_code == 403
    posted = {"scope": "email"}
    assert client.post(f"{reverse(BULK)}?act=opt_out", posted).status_code == 403
    page = client.get(reverse("admin:audiences_profile_changelist"))
    assert reverse(BULK) not in page.content.decode()
    editor = clerk("editor", "view_profile", "change_profile")
    assert editor.get(f"{reverse(BULK)}?act=quarantine").status_code == 403


def test_list_refuses_filters_that_a_bulk_change_would_not_see(
    world: World, admin_client: Client
) -> None:
    listed = reverse("admin:audiences_profile_changelist")
    assert admin_client.get(listed, {"first_name": "Anna"}).status_code == 400


# ------------------------------------------------------------------ in the background
@pytest.fixture
def small(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BULK_AT_ONCE = 3
    monkeypatch.setattr(bulk_acts, "CHUNK_SIZE", 4)


def _begun(code: str = "opt_out", **chosen: str) -> BulkAct:
    return bulk_acts.begin(
        code, chosen, actor="eva", note="n", details={"scope": "email"}
    )


@pytest.mark.django_db
def test_large_act_waits_for_a_worker_and_goes_on_after_a_death(
    small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_profiles(10)
    act = _begun()
    assert act.state == "waiting"
    many_profiles(3, "later")
    real, calls = consent.opt_out_all, []

    def dies(*args: Any) -> int:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(consent, "opt_out_all", dies)
    with pytest.raises(KeyboardInterrupt):
        tasks.run_bulk_act(act.pk)
    act.refresh_from_db()
    assert (act.state, act.changed, act.is_unfinished) == ("running", 4, True)
    assert list(jobs.forgotten(BulkAct)) == []
    monkeypatch.setattr(jobs, "SILENCE", jobs.SILENCE * 0)
    assert list(jobs.forgotten(BulkAct)) == [act]
    tasks.run_bulk_act(act.pk)
    tasks.run_bulk_act(act.pk)
    act.refresh_from_db()
    # Who was added later is not meant, and nobody has two events.
    assert (act.state, act.seen, act.changed, act.percent) == ("done", 10, 10, 100)
    assert ConsentEvent.objects.count() == 10


@pytest.mark.django_db
def test_stopped_act_stays_where_it_is(small: None) -> None:
    many_profiles(10)
    act = _begun()
    assert bulk_acts.stop(act)
    bulk_acts.run(act)
    assert (act.state, act.changed) == ("stopped", 0)
    assert not bulk_acts.stop(act)


@pytest.mark.django_db
def test_act_that_fails_says_why(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    service = ServiceFactory(slug="soon-gone")
    many_profiles(5)
    act = bulk_acts.begin(
        "subscribe", {}, actor="eva", details={"service": "soon-gone"}
    )
    service.delete()
    bulk_acts.run(act)
    assert act.state == "failed"
    assert "soon-gone" in act.error


@pytest.mark.django_db
def test_statements_do_not_grow_with_people(
    django_assert_max_num_queries: Any, settings: Any
) -> None:
    many_profiles(900)
    with django_assert_max_num_queries(26):
        act = _begun()
    assert act.changed == 900
    assert consent.lock(Profile.objects.all()[0], "pk")
    assert filters.select({"opted_out": "email"}).count() == 900


@pytest.mark.django_db
def test_opt_in_of_many_is_refused_without_a_note() -> None:
    many_profiles(2)
    origin = Origin(source="operator", note="n")
    consent.opt_out_all(Profile.objects.all(), "email", origin)
    with pytest.raises(acts.BulkActRefused):
        bulk_acts.begin("opt_in", {}, actor="eva", details={"scope": "email"})


def _undo_url(act: BulkAct) -> str:
    return reverse("admin:audiences_bulkact_undo", args=[act.pk])


def test_change_is_undone_after_a_question_and_who_was_left_is_named(
    world: World, admin_client: Client
) -> None:
    act = bulk_acts.begin("opt_out", {}, actor="eva", details={"scope": "sms"})
    consent.opt_out(world.people[0], "sms", Origin(source="one_click"))
    own = reverse("admin:audiences_bulkact_change", args=[act.pk])
    assert "undo" in marked(admin_client.get(own).content.decode(), "action")
    assert "7 people were changed" in admin_client.get(_undo_url(act)).content.decode()
    page = admin_client.post(_undo_url(act), follow=True).content.decode()
    assert marked(page, "count") == {
        "changed": "6",
        "undone": "6",
        "left": "1",
    }
    assert "Left: changed since" in page
    assert "Undone: Opt out: SMS" in page
    left = reverse("admin:audiences_bulkact_left", args=[act.pk])
    name = reverse("admin:audiences_profile_change", args=[world.people[0].pk])
    assert name in admin_client.get(left).content.decode()
    again = admin_client.post(_undo_url(act), follow=True).content.decode()
    assert "Nothing of it is left to undo." in again


def test_undoing_an_opt_out_needs_the_right_to_opt_in(world: World) -> None:
    act = bulk_acts.begin("opt_out", {}, actor="eva", details={"scope": "sms"})
    officer = clerk("officer", "view_profile", "view_bulkact", "opt_out_profile")
    own = reverse("admin:audiences_bulkact_change", args=[act.pk])
    assert "undo" not in marked(officer.get(own).content.decode(), "action")
    assert officer.post(_undo_url(act)).status_code == 403
