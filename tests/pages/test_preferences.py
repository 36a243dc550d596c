"""The preference page: what was ticked is what is true (P2, L2)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, strategies as st

from audiences import consent, subscriptions
from audiences.channels import Channel
from audiences.models import Profile
from audiences.records.verification import verify_consent
from audiences.visits.choosing import Boxes, Change, changes
from audiences.visits.standing import Standing
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
    ticked,
    undo_of,
    words,
)

ALL = set(Channel.values)

# Opted out before; offered on the page; shown as ticked; ticked; opted out after.
RULES: list[tuple[str, str, str, str, str]] = [
    ("", "email sms", "email sms", "email sms", ""),
    ("", "email sms", "email sms", "email", "sms"),
    ("", "email sms", "email sms", "", "email sms"),
    # One link starts one channel: it was sent by email here.
    ("email", "email sms", "sms", "email sms", ""),
    ("sms", "email sms", "email", "email sms", "sms"),
    ("fax", "email sms", "email sms", "email sms", "fax"),
    ("fax", "email", "email", "", "email fax"),
    # While "any" is set nothing is shown as ticked; nothing ticked changes nothing.
    ("any", "email sms", "", "", "any"),
    ("any sms", "email", "", "", "any sms"),
    # Ticks clear "any" and set every flag that is not ticked, offered or not.
    ("any", "email sms", "", "email", "sms phone direct_mail push fax"),
    ("any email", "email sms", "", "email sms", "sms phone direct_mail push fax"),
    # Another channel's tick alone does not end a stop of everything.
    ("any", "email sms", "", "sms", "any"),
    ("any", "email", "", "email", "sms phone direct_mail push fax"),
    # What the page does not offer cannot be ticked.
    ("any", "email", "", "sms", "any"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("before", "offered", "shown", "chosen", "after"), RULES)
def test_ticks_become_flags(
    before: str, offered: str, shown: str, chosen: str, after: str
) -> None:
    profile: Profile = ProfileFactory(email="a@example.com", sms="+31612345678")
    for scope in before.split():
        consent.opt_out(profile, scope, BY_COMMAND)
    url = path_to(page("preferences", channels=offered.split()), profile)
    assert ticked(browser().get(url)) == set(shown.split())
    browser().post(url, {"act": "1", "channels": chosen.split()})
    assert flags(profile) == set(after.split())
    assert verify_consent().is_consistent


@pytest.mark.django_db
def test_services_are_subscribed_and_ended_as_ticked() -> None:
    profile = ProfileFactory(email="a@example.com")
    first, second, private = news(), news(slug="offers"), news(slug="private")
    for service in (first, private):
        subscriptions.subscribe(profile, service, BY_COMMAND)
    made = page("preferences", services=[first, second])
    url = path_to(made, profile)
    assert ticked(browser().get(url)) == {"email", str(first.pk)}
    browser().post(url, {"channels": list(ALL), "services": [str(second.pk)]})
    # What the page does not offer is not dropped.
    assert subscriptions_of(profile) == {"offers", "private"}


@pytest.mark.django_db
def test_an_undo_brings_back_what_was_there() -> None:
    profile = ProfileFactory(email="a@example.com")
    service = news()
    subscriptions.subscribe(profile, service, BY_COMMAND)
    consent.opt_out(profile, "any", BY_COMMAND)
    url = path_to(page("preferences"), profile)
    done = browser().post(url, {"channels": ["email"]})
    assert flags(profile) == ALL - {"email"}
    assert subscriptions_of(profile) == set()
    text = words(browser().post(url, {"undo": undo_of(done)}))
    assert "as it was before" in text
    assert (flags(profile), subscriptions_of(profile)) == ({"any"}, {"news"})
    assert verify_consent().is_consistent


@pytest.mark.django_db
def test_an_undo_leaves_alone_what_has_changed_since_and_says_so() -> None:
    profile = ProfileFactory(email="a@example.com", sms="+31612345678")
    url = path_to(page("preferences"), profile)
    done = browser().post(url, {"channels": ["phone", "direct_mail", "push", "fax"]})
    consent.opt_in(profile, "sms", BY_COMMAND)
    consent.opt_out(profile, "sms", BY_COMMAND)
    text = words(browser().post(url, {"undo": undo_of(done)}))
    assert "Only part of it could be undone" in text
    assert flags(profile) == {"sms"}


@pytest.mark.django_db
def test_a_page_of_many_services_can_be_undone() -> None:
    profile = ProfileFactory(email="a@example.com")
    services = [news(slug=f"s{number}") for number in range(60)]
    url = path_to(page("preferences"), profile)
    chosen = {"channels": list(ALL), "services": [str(s.pk) for s in services]}
    done = browser().post(url, chosen)
    assert len(subscriptions_of(profile)) == 60
    assert "as it was before" in words(browser().post(url, {"undo": undo_of(done)}))
    assert subscriptions_of(profile) == set()


@pytest.mark.django_db
def test_a_subscription_that_does_not_reach_says_so() -> None:
    profile = ProfileFactory(email="a@example.com")
    service = news()
    url = path_to(page("preferences"), profile)
    text = words(browser().post(url, {"channels": ["sms"], "services": [service.pk]}))
    assert "subscribed to News, but you've stopped our emails" in text


@pytest.mark.django_db
def test_a_form_with_something_else_in_it_changes_nothing() -> None:
    profile = ProfileFactory(email="a@example.com")
    other = news(slug="other")
    url = path_to(page("preferences", services=[], channels=["email"]), profile)
    for data in ({"channels": ["smoke"]}, {"channels": ["sms"]}):
        assert "Please check what is marked" in words(browser().post(url, data))
    browser().post(url, {"channels": ["email"], "services": [str(other.pk)]})
    assert history(profile) == []


# ---------------------------------------------------------------- fresh and old links
def later(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    at = (timezone.now() + timedelta(days=days)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: at)


@pytest.mark.django_db
def test_an_old_link_stops_messages_but_starts_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = ProfileFactory(email="a@example.com", sms="+31612345678")
    consent.opt_out(profile, "sms", BY_COMMAND)
    url = path_to(page("preferences", channels=["email", "sms"]), profile)
    later(monkeypatch, 8)
    shown = browser().get(url)
    assert "too old to start messages" in words(shown)
    assert 'href="/p/preferences/?lang=en">Send me a new link' in shown.content.decode()
    answer = browser().post(url, {"channels": ["sms"]})
    assert flags(profile) == {"email", "sms"}
    assert "hasn't been started" in words(answer)
    assert "Your choices are saved." not in words(answer)
    # The act of now can be undone all the same.
    browser().post(url, {"undo": undo_of(answer)})
    assert flags(profile) == {"sms"}


@pytest.mark.django_db
def test_an_old_link_does_not_lift_a_stop_of_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = ProfileFactory(email="a@example.com")
    consent.opt_out(profile, "any", BY_COMMAND)
    url = path_to(page("preferences"), profile)
    later(monkeypatch, 8)
    browser().post(url, {"channels": ["email"]})
    assert "any" in flags(profile)
    assert "email" not in flags(profile)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["preferences", "acquisition"])
def test_details_are_shown_and_changed_by_a_fresh_link_alone(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = ProfileFactory(email="a@example.com", first_name="Anna", country="BE")
    fields = ["first_name", "country", "language"]
    url = path_to(page(kind, channels=["email"], extra_fields=fields), profile)
    data: dict[str, Any] = {"channels": ["email"], "first_name": "Els"}
    assert 'value="Anna"' in browser().get(url).content.decode()
    wrong = browser().post(url, {**data, "country": "Nederland"})
    assert "Anna" not in words(wrong)
    profile.refresh_from_db()
    assert profile.first_name == "Anna"
    browser().post(url, {**data, "country": "nl", "language": "nl"})
    profile.refresh_from_db()
    facts = (profile.first_name, profile.country, profile.language)
    assert facts == ("Els", "NL", "nl")
    later(monkeypatch, 8)
    assert "Els" not in browser().get(url).content.decode()
    browser().post(url, {**data, "first_name": "Mallory"})
    profile.refresh_from_db()
    assert profile.first_name == "Els"


# ---------------------------------------------------------------- agreement
@pytest.mark.django_db
def test_the_agreement_is_needed_to_start_and_never_to_stop() -> None:
    profile = ProfileFactory(email="a@example.com", sms="+31612345678")
    consent.opt_out(profile, "email", BY_COMMAND)
    made = page("preferences", channels=["email", "sms"], needs_agreement=True)
    url = path_to(made, profile)
    answer = browser().post(url, {"channels": ["email", "sms"]})
    assert "Please tick this box first." in words(answer)
    assert flags(profile) == {"email"}
    browser().post(url, {"channels": []})
    assert flags(profile) == {"email", "sms"}
    browser().post(url, {"channels": ["email"], "agreement": "on"})
    assert flags(profile) == {"sms"}


@pytest.mark.django_db
def test_a_subscription_page_subscribes_and_lifts_no_opt_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = ProfileFactory(email="a@example.com")
    url = path_to(page("subscription", service=news()), profile)
    assert "Subscribe to News" in words(browser().get(url))
    assert subscriptions_of(profile) == set()
    consent.opt_out(profile, "email", BY_COMMAND)
    for _ in range(2):
        text = words(browser().post(url, {"act": "1"}))
        assert "but you've stopped our emails" in text
    assert (subscriptions_of(profile), flags(profile)) == ({"news"}, {"email"})
    assert history(profile) == [("opt_out", "email"), ("subscribe", "news")]


@pytest.mark.django_db
def test_an_old_link_does_not_subscribe(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = ProfileFactory(email="a@example.com")
    url = path_to(page("subscription", service=news()), profile)
    later(monkeypatch, 8)
    shown = browser().get(url).content.decode()
    assert "too old to start messages" in shown
    assert 'type="submit"' not in shown
    text = words(browser().post(url))
    assert "not subscribed to News" in text
    assert "Thank you" not in text
    assert subscriptions_of(profile) == set()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["preferences", "acquisition"])
def test_who_stopped_everything_is_told_so_beside_the_empty_boxes(kind: str) -> None:
    profile = ProfileFactory(email="a@example.com")
    url = path_to(page(kind), profile)
    assert "You get no messages" not in words(browser().get(url))
    consent.opt_out(profile, "any", BY_COMMAND)
    assert "You don't get any messages from us, on any channel." in words(
        browser().get(url)
    )


# ---------------------------------------------------------------- the rules as such
channels = st.frozensets(st.sampled_from(Channel.values))
services = st.frozensets(st.integers(1, 4))


def fold(standing: Standing, made: list[Change]) -> Standing:
    any_, out, subscribed = (
        standing.stopped_all,
        set(standing.out),
        set(standing.subscribed),
    )
    for change in made:
        if change.subject == "any":
            any_ = change.kind == "opt_out"
        elif isinstance(change.subject, str):
            (out.add if change.kind == "opt_out" else out.discard)(change.subject)
        else:
            begins = change.kind == "subscribe"
            (subscribed.add if begins else subscribed.discard)(change.subject)
    return Standing(any_, frozenset(out), frozenset(subscribed))


@given(st.booleans(), channels, services, channels, services, channels, services)
def test_what_is_shown_afterwards_is_what_was_ticked(
    stopped: bool, out: Any, subscribed: Any, c: Any, s: Any, tc: Any, ts: Any
) -> None:
    present, offered = Standing(stopped, out, subscribed), Boxes(c, s)
    wanted = Boxes(tc & c, ts & s)
    after = fold(present, changes(present, offered, Boxes(tc, ts)))
    if not after.stopped_all:
        assert set(after.ticked_channels(c)) == wanted.channels
        assert set(after.ticked_services(s)) == wanted.services
    # Nothing but what the page offers changes, unless everything was stopped before.
    if not stopped:
        assert after.out - c == present.out - c
    assert after.subscribed - s == present.subscribed - s
    # Nobody gets more than before without a tick.
    assert not after.subscribed - present.subscribed - wanted.services
    reached = ALL - after.out if not after.stopped_all else set()
    before = ALL - out if not stopped else set()
    assert reached - before <= wanted.channels
    # Ticking the same again changes nothing.
    assert after.stopped_all or not changes(after, offered, wanted)


def shown_by(answer: Any) -> str:
    """What the form says of the boxes that it shows as ticked."""
    found = re.search(r'name="shown"[^>]*value="([^"]*)"', answer.content.decode())
    assert found
    return found[1]


@pytest.mark.django_db
def test_an_old_tab_does_not_take_back_an_opt_out_that_was_made_since() -> None:
    profile: Profile = ProfileFactory(
        email="a@example.com", sms="+31612345678", phone="+31301234567"
    )
    service = news()
    subscriptions.subscribe(profile, service, BY_COMMAND)
    made = page("preferences", channels=["email", "sms", "phone"], services=[service])
    url = path_to(made, profile)
    shown = shown_by(browser().get(url))
    boxes = [w for w in shown.split() if w[0] != "@" and "=" not in w]
    assert {*boxes} == {"email", "phone", "sms", str(service.pk)}
    browser().post(one_click_path(profile))
    browser().post(one_click_path(profile, service_id=service.pk))
    form = {"act": "1", "shown": shown, "channels": ["email", "sms"]}
    answer = browser().post(url, form | {"services": [str(service.pk)]})
    # What the visitor did tick and untick counts; the rest is as it was made elsewhere.
    assert flags(profile) == {"email", "phone"}
    assert subscriptions_of(profile) == set()
    assert "You don't get" in words(answer)
    assert "this was changed somewhere else: Email, News." in words(answer)
    # A form that shows the present state can opt in again.
    form["shown"] = shown_by(browser().get(url))
    browser().post(url, form)
    assert flags(profile) == {"phone"}


@pytest.mark.django_db
@pytest.mark.parametrize("shown", ["", "x \u0663 -1 999999999999999999999999", "<b>"])
def test_nonsense_about_what_was_shown_changes_nothing(shown: str) -> None:
    profile: Profile = ProfileFactory(email="a@example.com", sms="+31612345678")
    consent.opt_out(profile, "email", BY_COMMAND)
    url = path_to(page("preferences"), profile)
    data = {"act": "1", "shown": shown, "channels": list(ALL)}
    assert browser().post(url, data).status_code == 200
    assert flags(profile) == set()
