"""After leaving: undo, less instead of nothing, everything, a choice, and why."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from audiences import consent, landing_pages, subscriptions, wishes
from audiences.models import ConsentEvent, ContactWish, LeavingReason, Profile, Service
from audiences.wording import page_texts
from tests.factories import BY_COMMAND, ProfileFactory

from .visitors import (
    browser,
    flags,
    history,
    news,
    one_click_path,
    page,
    path_to,
    said,
    subscriptions_of,
    undo_of,
    words,
)

pytestmark = pytest.mark.django_db
CODES = [code for code, _name in page_texts.languages()]


@pytest.fixture
def person() -> Profile:
    return ProfileFactory(email="ann@home.example")


def left(person: Profile, **facts: Any) -> tuple[Client, str, str]:
    """Somebody who has just opted out: their browser, the path, the token to undo."""
    client, path = browser(), one_click_path(person, **facts)
    return client, path, undo_of(client.post(path, {"act": "1"}))


def standing(person: Profile) -> list[tuple[str, int | None, bool]]:
    rows = wishes.of_person(person.pk)
    return [(row.channel, row.per_month, row.paused_until is not None) for row in rows]


@pytest.mark.parametrize("language", CODES)
def test_the_heading_says_what_is_true(person: Profile, language: str) -> None:
    path = f"{one_click_path(person)}?lang={language}"
    after = words(browser().post(path, {"act": "1"}))
    assert said("done.unsubscription", language) in after
    # The same link, used: what is true now, and no button that does it again.
    again = browser().get(path)
    assert said("done.unsubscription", language) in words(again)
    assert b'name="act"' not in again.content


def test_a_page_before_its_act_has_one_button_and_two_links(person: Profile) -> None:
    path = one_click_path(person)
    html = browser().get(path).content.decode()
    assert html.count("<button") == 1
    token = path.strip("/").rpartition("/")[2]
    for name in ("choose", "everything", "why"):
        assert f'href="/u/{name}/{token}/?lang=en"' in html


@pytest.mark.parametrize("name", ["choose", "everything", "why"])
def test_the_ways_open_by_the_same_link_on_both_addresses(
    person: Profile, name: str
) -> None:
    made = page("unsubscription", "leave")
    for path in (one_click_path(person), path_to(made, person)):
        where, _slash, token = path.strip("/").rpartition("/")
        way = f"/{where}/{name}/{token}/"
        response = browser().get(way)
        assert response.status_code == 200, way
        assert flags(person) == set()
        assert browser().get(way.replace(token[:9], "forged")).status_code == 404


def test_everything_stops_everything_and_both_acts_can_be_undone(
    person: Profile,
) -> None:
    client, path, first = left(person)
    everything = path.replace("/u/", "/u/everything/")
    done = client.post(everything, {"act": "1", "earlier": first})
    assert said("done.denylist") in words(done)
    assert said("page.about_all") in words(done)
    assert flags(person) == {"any", "email"}
    second = undo_of(done)
    back = client.post(everything, {"undo": second, "earlier": first})
    assert said("page.undone_title") in words(back)
    assert flags(person) == {"email"}
    assert undo_of(back) == first
    client.post(everything, {"undo": first})
    assert flags(person) == set()


def test_the_own_page_of_a_kind_comes_before_the_built_in_one(person: Profile) -> None:
    made = page("preferences", "yours", channels=["email"])
    made.texts.update_or_create(language="en", defaults={"title": "As you like it"})
    landing_pages.publish(made)
    path = one_click_path(person).replace("/u/", "/u/choose/")
    assert "As you like it" in words(browser().get(path))
    client = browser()
    # The link of an unsubscribe button proves no address: it can only stop.
    assert said("page.only_stops") in words(client.get(path))
    client.post(path, {"act": "1", "shown": "email"})
    assert flags(person) == {"email"}


@pytest.mark.parametrize(
    ("wish", "held"),
    [("month", ("email", 1, False)), ("pause", ("email", None, True))],
)
def test_less_instead_of_nothing_takes_the_opt_out_back(
    person: Profile, wish: str, held: tuple[str, int | None, bool]
) -> None:
    client, path, token = left(person)
    assert flags(person) == {"email"}
    shown = client.post(path, {"instead_of": token, "wish": wish})
    assert said("wish.done") in words(shown)
    assert (flags(person), standing(person)) == (set(), [held])
    row = ContactWish.objects.get()
    assert (row.source, row.ip) == ("landing_page", "127.0.0.1")
    # And it can be undone as one: the opt-out holds again, and the wish has ended.
    client.post(path, {"undo": undo_of(shown)})
    assert (flags(person), standing(person)) == ({"email"}, [])
    row.refresh_from_db()
    assert (row.ended_source, row.ended_at is not None) == ("landing_page", True)


def test_staying_with_a_service_keeps_its_subscription(person: Profile) -> None:
    service = news()
    subscriptions.subscribe(person, service, BY_COMMAND)
    client, path, token = left(person, service_id=service.pk)
    assert subscriptions_of(person) == set()
    client.post(path, {"instead_of": token, "wish": "month"})
    assert subscriptions_of(person) == {"news"}
    assert standing(person) == [("email", 1, False)]


def test_a_wish_ends_no_opt_out_without_the_token_of_that_very_act(
    person: Profile,
) -> None:
    other = ProfileFactory(email="other@home.example")
    _client, _path, others = left(other)
    consent.opt_out(person, "email", BY_COMMAND)
    for token in (others, "forged"):
        path = one_click_path(person)
        browser().post(path, {"instead_of": token, "wish": "month"})
        assert flags(person) == {"email"}
    assert flags(other) == {"email"}


def test_an_opt_out_that_was_said_again_since_stays(person: Profile) -> None:
    client, path, token = left(person)
    consent.opt_in(person, "email", consent.Origin(source="operator", note="asked"))
    consent.opt_out(person, "email", BY_COMMAND)
    shown = client.post(path, {"instead_of": token, "wish": "month"})
    assert flags(person) == {"email"}
    assert said("state.gets_not", messages=said("messages.email")) in words(shown)


def test_mail_clients_opt_out_whatever_else_they_send(person: Profile) -> None:
    browser().post(one_click_path(person), {"List-Unsubscribe": "One-Click"})
    assert flags(person) == {"email"}
    assert standing(person) == []


# ---------------------------------------------------------------- the preference page
def preferences(person: Profile, **facts: Any) -> tuple[Client, str]:
    made = page("preferences", "yours", channels=["email", "sms", "phone"], **facts)
    return browser(), path_to(made, person)


def test_preferences_show_what_reaches_the_person_and_name_the_rest(
    person: Profile,
) -> None:
    client, path = preferences(person)
    html = client.get(path).content.decode()
    assert 'value="email"' in html
    assert 'value="sms"' not in html
    assert said("page.unreachable", channels="Phone calls") in words(client.get(path))
    client.post(path, {"act": "1", "shown": "email", "channels": "email"})
    assert flags(person) == set()  # what was not shown does not change


def test_a_limit_is_set_changed_and_ended_among_the_preferences(
    person: Profile,
) -> None:
    client, path = preferences(person)
    form = {"act": "1", "shown": "email", "channels": "email"}
    done = client.post(path, form | {"wish": "month", "wish_shown": "all"})
    assert standing(person) == [("any", 1, False)]
    assert said("wish.limit") in words(done)
    client.post(path, form | {"wish": "pause", "wish_shown": "month"})
    assert standing(person) == [("any", None, True)]
    # A form of before, that still shows another choice, changes nothing.
    client.post(path, form | {"wish": "all", "wish_shown": "all"})
    assert standing(person) == [("any", None, True)]
    done = client.post(path, form | {"wish": "all", "wish_shown": "pause"})
    assert standing(person) == []
    client.post(path, {"undo": undo_of(done)})
    assert standing(person) == [("any", None, True)]


def test_what_is_wished_about_all_takes_the_place_of_what_was_about_some(
    person: Profile,
) -> None:
    client, path, token = left(person)
    done = client.post(path, {"instead_of": token, "wish": "pause"})
    assert standing(person) == [("email", None, True)]
    until = date_format(wishes.of_person(person.pk)[0].paused_until, "j M Y")
    messages = said("messages.email")
    assert said("wish.paused_on", messages=messages, date=until) in words(done)
    # The proof says by which button that is: no wording has it.
    back = ConsentEvent.objects.latest("pk")
    assert back.evidence.note == "Button pressed: “Pause for three months”"
    assert (back.kind, back.wording_version) == ("opt_in", "")
    client, path = preferences(person)
    form = {"act": "1", "shown": "email", "channels": "email"}
    done = client.post(path, form | {"wish": "month", "wish_shown": "pause"})
    assert standing(person) == [("any", 1, False)]
    client.post(path, {"undo": undo_of(done)})
    assert standing(person) == [("email", None, True)]


def test_a_link_that_proves_nothing_sets_a_limit_and_ends_none(person: Profile) -> None:
    wishes.express(person, "any", BY_COMMAND, per_month=1)
    path = one_click_path(person).replace("/u/", "/u/choose/")
    form = {"act": "1", "shown": "email", "channels": "email", "wish_shown": "month"}
    done = browser().post(path, form | {"wish": "all"})
    assert standing(person) == [("any", 1, False)]
    assert said("page.stale_kept") in words(done)
    # A pause comes beside the limit: what ends lets more come.
    browser().post(path, form | {"wish": "pause"})
    assert standing(person) == [("any", 1, False), ("any", None, True)]


def test_a_pause_is_said_with_its_day_and_is_over_by_itself(
    person: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, path = preferences(person)
    form = {"act": "1", "shown": "email", "channels": "email"}
    done = client.post(path, form | {"wish": "pause", "wish_shown": "all"})
    until = wishes.of_person(person.pk)[0].paused_until
    assert until is not None
    assert 90 <= (until - timezone.now()).days <= 92
    assert str(timezone.localtime(until).year) in words(done)
    assert wishes.of_person(person.pk, until) == []


# ---------------------------------------------------------------- why
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"reason": "too_many"}, ("too_many", "")),
        ({"words": " Enough! "}, ("", "Enough!")),
        ({"reason": "no such", "words": "x" * 600}, ("", "x" * 500)),
        ({}, None),
    ],
)
def test_a_reason_is_kept_beside_the_act_and_never_needed(
    person: Profile, given: dict[str, str], kept: tuple[str, str] | None
) -> None:
    client, path, token = left(person)
    thanks = client.post(path, {"reason_for": token} | given)
    assert said("reason.thanks") in words(thanks)
    assert undo_of(thanks) == token
    rows = [(r.reason, r.text) for r in LeavingReason.objects.all()]
    assert rows == ([kept] if kept else [])
    assert history(person) == [("opt_out", "email")]


def test_a_reason_for_another_ones_act_is_kept_nowhere(person: Profile) -> None:
    other = ProfileFactory(email="other@home.example")
    _client, _path, token = left(other)
    browser().post(one_click_path(person), {"reason_for": token, "reason": "other"})
    assert not LeavingReason.objects.exists()
    assert flags(person) == set()


def test_the_report_of_a_service_counts_the_reasons(person: Profile) -> None:
    service = news()
    for number in range(3):
        somebody = ProfileFactory(email=f"{number}@home.example")
        subscriptions.subscribe(somebody, service, BY_COMMAND)
        client, path, token = left(somebody, service_id=service.pk)
        reason = "too_many" if number else "other"
        client.post(path, {"reason_for": token, "reason": reason})
    assert wishes.counted(service.pk) == [
        ("Too many messages", 2),
        ("Another reason", 1),
    ]
    assert Service.objects.count() == 1
