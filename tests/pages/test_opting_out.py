"""Opting out by a page: two taps, true at once, undone by one more."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audiences import consent, landing_pages, organisation, privacy, subscriptions
from audiences.consent import Kind, Origin, record
from audiences.models import ConsentEvent, LandingPage, Profile
from audiences.records import proof
from audiences.records.verification import verify_consent
from audiences.subscriptions import writing
from delivery import quarantine
from tests.factories import BY_COMMAND, ProfileFactory

from .visitors import (
    browser,
    flags,
    history,
    news,
    one_click_path,
    page,
    path_to,
    subscriptions_of,
    undo_of,
    words,
)

pytestmark = pytest.mark.django_db
CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def statements(queries: CaptureQueriesContext) -> list[str]:
    """The statements besides transaction control."""
    sql = [query["sql"] for query in queries.captured_queries]
    return [text for text in sql if not text.upper().startswith(CONTROL)]


@pytest.fixture
def anna() -> Profile:
    profile: Profile = ProfileFactory(
        first_name="Anna", email="Anna.Vos@Example.com", sms="+31612345678"
    )
    return profile


def test_a_denylist_page_stops_everything_and_its_undo_clears_that_alone(
    anna: Profile,
) -> None:
    consent.opt_out(anna, "sms", BY_COMMAND)
    url = path_to(page("denylist"), anna)
    shown = browser().get(url)
    assert "Stop everything" in words(shown)
    assert flags(anna) == {"sms"}
    done = browser().post(url, {"act": "1"})
    assert "You don't get any messages from us, on any channel." in words(done)
    assert flags(anna) == {"any", "sms"}
    undone = browser().post(url, {"undo": undo_of(done)})
    assert "as it was before" in words(undone)
    assert flags(anna) == {"sms"}
    assert verify_consent().is_consistent


def test_an_unsubscription_page_ends_one_subscription_and_nothing_else(
    anna: Profile,
) -> None:
    first, second = news(), news(slug="offers")
    for service in (first, second):
        subscriptions.subscribe(anna, service, BY_COMMAND)
    url = path_to(page("unsubscription", service=first), anna)
    assert "Would you like to stop News?" in words(browser().get(url))
    done = browser().post(url, {"act": "1"})
    assert "You're not subscribed to News." in words(done)
    assert (subscriptions_of(anna), flags(anna)) == ({"offers"}, set())
    browser().post(url, {"undo": undo_of(done)})
    assert subscriptions_of(anna) == {"news", "offers"}
    assert verify_consent().is_consistent


def test_an_unsubscription_page_without_a_service_does_what_the_link_is_about(
    anna: Profile,
) -> None:
    made = page("unsubscription")
    browser().post(path_to(made, anna, channel="sms"), {"act": "1"})
    assert flags(anna) == {"sms"}
    service = news()
    subscriptions.subscribe(anna, service, BY_COMMAND)
    url = path_to(made, anna, service_id=service.pk)
    assert "You're not subscribed to News." in words(browser().post(url))
    assert (flags(anna), subscriptions_of(anna)) == ({"sms"}, set())


def test_the_event_is_proof_of_who_saw_what(anna: Profile) -> None:
    made = page("denylist", "stop")
    url = path_to(made, anna, delivery_id=77)
    browser().post(url, {"act": "1"}, REMOTE_ADDR="192.0.2.7")
    event = ConsentEvent.objects.select_related("evidence").get()
    assert (event.source, event.wording_version) == ("landing_page", "stop/1")
    assert event.delivery_id == 77
    assert event.evidence.ip == "192.0.2.7"
    assert "Android" in event.evidence.user_agent
    version = proof.wordings([event])[event.wording_version]
    assert version.content["texts"]["nl"]["title"] == "Alles stoppen"


def test_a_post_acts_once_however_often_it_is_sent(anna: Profile) -> None:
    url = path_to(page("denylist"), anna)
    tab = browser()
    answers = [tab.post(url, {"act": "1"}) for _ in range(5)]
    assert history(anna) == [("opt_out", "any")]
    assert len({words(answer) for answer in answers}) == 1
    undo = undo_of(answers[-1])
    for _ in range(3):
        tab.post(url, {"undo": undo})
    assert history(anna) == [("opt_out", "any"), ("opt_in", "any")]


def test_an_old_undo_does_not_reverse_what_somebody_did_since(anna: Profile) -> None:
    url = path_to(page("denylist"), anna)
    undo = undo_of(browser().post(url))
    consent.opt_in(anna, "any", BY_COMMAND)
    consent.opt_out(anna, "any", BY_COMMAND)
    answer = browser().post(url, {"undo": undo})
    assert "nothing left to undo" in words(answer)
    assert flags(anna) == {"any"}


def test_of_two_visitors_of_unknown_networks_none_undoes_what_the_other_did(
    anna: Profile,
) -> None:
    url = path_to(page("denylist"), anna)
    assert undo_of(browser().post(url, REMOTE_ADDR=""))
    assert undo_of(browser().post(url, REMOTE_ADDR="")) == ""


def test_whoever_has_the_link_cannot_undo_what_another_did(anna: Profile) -> None:
    url = path_to(page("denylist"), anna)
    browser().post(url, REMOTE_ADDR="192.0.2.7")
    again = browser().post(url, REMOTE_ADDR="198.51.100.9")
    assert undo_of(again) == ""
    consent.opt_in(anna, "any", BY_COMMAND)
    consent.opt_out(anna, "any", BY_COMMAND)
    assert undo_of(browser().post(url, REMOTE_ADDR="192.0.2.7")) == ""


@pytest.mark.parametrize("undo", ["", "x", "of another", "of another purpose"])
def test_a_wrong_undo_changes_nothing(anna: Profile, undo: str) -> None:
    other = ProfileFactory(email="b@example.com")
    made = page("denylist")
    theirs = undo_of(browser().post(path_to(made, other)))
    mine = path_to(made, anna)
    texts = {"of another": theirs, "of another purpose": mine.split("/")[3]}
    consent.opt_out(anna, "any", BY_COMMAND)
    browser().post(mine, {"undo": texts.get(undo, undo), "act": ""})
    assert flags(other) == {"any"}
    assert flags(anna) == {"any"}


def test_an_undo_never_confirms_a_mere_request(anna: Profile) -> None:
    service = news()
    writing.Subscription.objects.create(
        profile=anna,
        service=service,
        status="pending",
        changed_at=anna.created_at,
    )
    origin = Origin(source="api")
    record(anna, Kind.REQUEST, origin, service_id=service.pk)
    url = path_to(page("unsubscription", service=service), anna)
    done = browser().post(url)
    browser().post(url, {"undo": undo_of(done)})
    assert subscriptions_of(anna) == set()


# ---------------------------------------------------------------- what is gone
def test_a_deleted_page_is_replaced_by_the_built_in_one(anna: Profile) -> None:
    for kind in ("denylist", "unsubscription"):
        made = page(kind)
        url = path_to(made, anna)
        landing_pages.delete(made)
        assert browser().get(url).status_code == 200
        assert undo_of(browser().post(url))
        event = ConsentEvent.objects.latest("id")
        assert event.wording_version.startswith(f"built-in:{kind}/")
    assert flags(anna) == {"any", "email"}


def test_an_unpublished_page_still_opts_out(anna: Profile) -> None:
    made = page("denylist")
    landing_pages.unpublish(made)
    browser().post(path_to(made, anna))
    assert flags(anna) == {"any"}
    assert browser().get("/p/denylist/").status_code == 404


@pytest.mark.parametrize("by", ["one-click", "page"])
def test_a_deleted_service_means_the_channel(anna: Profile, by: str) -> None:
    service = news(channel="sms")
    made = page("unsubscription")
    facts: dict[str, Any] = {"service_id": service.pk, "channel": "sms"}
    url = one_click_path(anna, **facts)
    if by == "page":
        url = path_to(made, anna, **facts)
    service.delete()
    assert "You don't get our text messages." in words(browser().post(url))
    assert flags(anna) == {"sms"}


def test_a_service_deleted_after_it_was_published_means_the_channel(
    anna: Profile,
) -> None:
    service = news()
    made = page("unsubscription", service=service)
    url = path_to(made, anna)
    made.service = None
    made.save()
    service.delete()
    browser().post(url)
    assert flags(anna) == {"email"}


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_erased_person_gets_a_true_answer(anna: Profile, method: str) -> None:
    urls = [path_to(page("preferences"), anna), one_click_path(anna)]
    privacy.erase(anna)
    for url in urls:
        answer = getattr(browser(), method)(url)
        assert answer.status_code == 200
        assert "nothing on record about you" in words(answer)


def test_another_page_under_the_same_name_does_not_bend_a_link(anna: Profile) -> None:
    made = page("denylist", "mine")
    url = path_to(made, anna)
    landing_pages.delete(made)
    page("subscription", "mine", service=news())
    assert "Stop everything" in words(browser().get(url))
    browser().post(url, {"act": "1"})
    assert (flags(anna), subscriptions_of(anna)) == ({"any"}, set())


def test_a_page_about_another_service_under_the_same_name_does_not_bend_a_link(
    anna: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = news(slug="old"), news(slug="new")
    for service in (old, new):
        subscriptions.subscribe(anna, service, BY_COMMAND)
    made = page("unsubscription", "stop", service=old)
    with monkeypatch.context() as before:
        before.setattr(time, "time", made.created_at.timestamp)
        url = path_to(made, anna)
    landing_pages.delete(made)
    again = page("unsubscription", "stop", service=new)
    later = again.created_at + timedelta(seconds=5)
    LandingPage.objects.filter(pk=again.pk).update(created_at=later)
    browser().post(url, {"act": "1"})
    assert subscriptions_of(anna) == {"new"}


# ---------------------------------------------------------------- twins (P4)
@pytest.mark.parametrize("stops", [True, False])
def test_the_twins_option_stops_the_address_for_all(anna: Profile, stops: bool) -> None:
    twin = ProfileFactory(email="anna.vos@example.COM")
    other = ProfileFactory(email="other@example.com")
    url = path_to(page("unsubscription", stops_address=stops), anna)
    done = browser().post(url, {"act": "1"})
    assert ("Nothing will be sent to your addresses" in words(done)) == stops
    (address,) = twin.addresses.all()
    assert address.quarantine_status == ("denylisted" if stops else "valid")
    assert flags(twin) == set()
    assert other.addresses.get().quarantine_status == "valid"
    # The other channel of the same person is not touched.
    assert anna.addresses.get(channel="sms").quarantine_status == "valid"
    browser().post(url, {"undo": undo_of(done)})
    assert flags(anna) == set()
    assert twin.addresses.get().quarantine_status == "valid"


@pytest.mark.parametrize(
    ("kind", "scope"), [("denylist", "any"), ("unsubscription", "email")]
)
def test_who_had_opted_out_before_can_still_stop_the_address(
    anna: Profile, kind: str, scope: str
) -> None:
    twin = ProfileFactory(email="anna.vos@example.com")
    consent.opt_out(anna, scope, BY_COMMAND)
    url = path_to(page(kind, stops_address=True), anna)
    shown = browser().get(url)
    assert "Somebody else with the same address may still get" in words(shown)
    assert b"<button" in shown.content
    assert "Nothing will be sent to your addresses" in words(browser().post(url))
    assert twin.addresses.get().quarantine_status == "denylisted"
    assert b"<button" not in browser().get(url).content


def test_an_undo_does_not_release_an_address_that_was_listed_before(
    anna: Profile,
) -> None:
    quarantine.set_status("email", "anna.vos@example.com", "denylisted", source="test")
    url = path_to(page("denylist", stops_address=True), anna)
    done = browser().post(url)
    browser().post(url, {"undo": undo_of(done)})
    entry = quarantine.entry_of("email", "anna.vos@example.com")
    assert entry
    assert entry.status == "denylisted"


# ---------------------------------------------------------------- what is shown
def test_an_opt_out_page_shows_no_name_and_only_a_masked_address(
    anna: Profile,
) -> None:
    masked = "A\u2022\u2022\u2022@E\u2022\u2022\u2022.com"
    for made, said in (
        (page("denylist"), "all your addresses"),
        (page("unsubscription"), masked),
    ):
        url = path_to(made, anna)
        for answer in (browser().get(url), browser().post(url)):
            text = answer.content.decode()
            assert said in text
            for secret in ("Anna", "Vos", "Example", "612345678", anna.last_name):
                assert secret not in text


def test_a_page_that_has_nothing_to_do_says_so(anna: Profile) -> None:
    consent.opt_out(anna, "any", BY_COMMAND)
    text = words(browser().get(path_to(page("denylist"), anna)))
    assert "You don't get any messages from us, on any channel." in text
    assert "<button" not in text


# ---------------------------------------------------------------- speed
@pytest.mark.parametrize("about", ["channel", "service", "page", "denylist"])
def test_opting_out_takes_few_statements(anna: Profile, about: str) -> None:
    service = news()
    subscriptions.subscribe(anna, service, BY_COMMAND)
    made = page("denylist" if about == "denylist" else "unsubscription")
    urls = {
        "channel": one_click_path(anna, delivery_id=3),
        "service": one_click_path(anna, service_id=service.pk, delivery_id=3),
        "page": path_to(made, anna, service_id=service.pk),
        "denylist": path_to(made, anna),
    }
    tab = browser()
    # Who sends was read by a page a moment ago.
    organisation.last_known()
    # The page that stops everything says what has no effect any more.
    also = 2 if about == "denylist" else 0
    posts = ((tab.post, 4 + also), (tab.post, 5 + also), (tab.get, 2 + also))
    for act, most in ((tab.get, 2), *posts):
        with CaptureQueriesContext(connection) as queries:
            assert act(urls[about]).status_code == 200
        assert len(statements(queries)) <= most, statements(queries)


def test_an_undo_takes_back_the_stop_also_when_the_page_is_gone(anna: Profile) -> None:
    made = page("denylist", stops_address=True)
    url = path_to(made, anna)
    done = browser().post(url)
    landing_pages.unpublish(made)
    browser().post(url, {"undo": undo_of(done)})
    assert flags(anna) == set()
    assert anna.addresses.get(channel="email").quarantine_status == "valid"


def test_an_undo_does_not_take_back_the_stop_of_an_earlier_act(anna: Profile) -> None:
    url = path_to(page("denylist", stops_address=True), anna)
    browser().post(url)
    consent.opt_in(anna, "any", BY_COMMAND)
    done = browser().post(url)
    browser().post(url, {"undo": undo_of(done)})
    assert flags(anna) == set()
    assert anna.addresses.get(channel="email").quarantine_status == "denylisted"
