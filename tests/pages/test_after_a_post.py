"""After a form the browser goes to a page that can be opened again, and says the truth."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from audiences import consent, links, subscriptions
from audiences.links import BadLink, sealing, signing
from audiences.models import ConsentEvent, OutboxMail, Profile, SignupRequest
from audiences.pages import log_masking, outcomes
from audiences.signups import requesting
from tests.factories import BY_COMMAND, ProfileFactory

from .test_added_addresses import MAIL, NUMBER, link_of
from .test_unidentified import solved
from .visitors import (
    PHONE,
    browser,
    flags,
    history,
    news,
    one_click_path,
    page,
    path_to,
    said,
    undo_of,
    words,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> Profile:
    made: Profile = ProfileFactory(email=MAIL)
    return made


@pytest.fixture
def tab() -> Client:
    """A browser that stays where it is: each step is seen."""
    return Client(headers={"User-Agent": PHONE, "Accept-Language": "en"})


def opting_out(person: Profile) -> tuple[str, dict[str, Any], str]:
    return one_click_path(person), {}, said("done.unsubscription")


def stopping_everything(person: Profile) -> tuple[str, dict[str, Any], str]:
    return path_to(page("denylist"), person), {}, said("done.denylist")


def choosing(person: Profile) -> tuple[str, dict[str, Any], str]:
    url = path_to(page("preferences", channels=["email", "sms"]), person)
    shown = {"shown": "email", "channels": ["email"], "add_sms": NUMBER}
    messages = said("messages.sms")
    return url, shown, said("asked.added", messages=messages, typed=NUMBER)


def by_a_weak_link(person: Profile) -> tuple[str, dict[str, Any], str]:
    path = one_click_path(person).replace("/u/", "/u/choose/")
    return path, {"shown": "email"}, said("done.preferences")


def undoing(person: Profile) -> tuple[str, dict[str, Any], str]:
    path = one_click_path(person)
    token = undo_of(browser().post(path))
    return path, {"undo": token}, said("page.undone_title")


def staying_for_less(person: Profile) -> tuple[str, dict[str, Any], str]:
    path = one_click_path(person)
    token = undo_of(browser().post(path))
    return path, {"instead_of": token, "wish": "month"}, said("wish.done")


def saying_why(person: Profile) -> tuple[str, dict[str, Any], str]:
    path = one_click_path(person)
    token = undo_of(browser().post(path))
    return path, {"reason_for": token, "reason": "other"}, said("reason.thanks")


def confirming_an_address(person: Profile) -> tuple[str, dict[str, Any], str]:
    url = path_to(page("preferences", channels=["email", "sms"]), person)
    browser().post(url, {"act": "1", "shown": "email", "add_sms": NUMBER})
    return link_of(OutboxMail.objects.get()), {}, said("confirm.done")


def confirming_a_subscription(person: Profile) -> tuple[str, dict[str, Any], str]:
    service = news()
    service.double_opt_in = True
    service.save()
    subscriptions.request(person, service, BY_COMMAND)
    (asked,) = ConsentEvent.objects.filter(profile=person)
    sent_to = signing.mark("email", MAIL)
    about = links.Confirmation(person.pk, service.pk, asked.pk, sent_to)
    url = links.confirmation_url(about)
    return urlsplit(url).path, {}, said("confirm.done")


def confirming_a_sign_up(person: Profile) -> tuple[str, dict[str, Any], str]:
    version = page("acquisition", channels=["email", "sms"]).live_version
    assert version
    wish: requesting.Wish = {"email": "new@home.example", "channels": ["email"]}
    requesting.request_signup(version, wish, language="en", network="")
    url = requesting.confirmation_url(SignupRequest.objects.get())
    return urlsplit(url).path, {}, said("confirm.done")


def asking_for_a_link(person: Profile) -> tuple[str, dict[str, Any], str]:
    url = f"/p/{page('denylist', 'stop').slug}/"
    given = {"address": MAIL, "proof": solved(browser().get(url))}
    return url, given, said("unidentified.sent", typed=MAIL)


ACTS = [
    opting_out,
    stopping_everything,
    choosing,
    by_a_weak_link,
    undoing,
    staying_for_less,
    saying_why,
    confirming_an_address,
    confirming_a_subscription,
    confirming_a_sign_up,
    asking_for_a_link,
]


@pytest.fixture(autouse=True)
def _little_work(settings: Any) -> None:
    settings.PROOF_OF_WORK_ROUNDS = 1


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_a_form_leads_to_a_page_that_says_what_it_did(
    person: Profile,
    tab: Client,
    act: Callable[[Profile], tuple[str, dict[str, Any], str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    url, data, sentence = act(person)
    sent = {"act": "1"} | data
    answer = tab.post(f"{url}?lang=en", sent)
    assert (answer.status_code, answer.content) == (303, b"")
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["Cache-Control"] == "no-store"
    there = answer["Location"]
    assert there.startswith(f"{url}?lang=en&done=")
    # Neither histories nor logs tell who did what, or what they typed.
    for secret in (MAIL, "home.example", "612345678", *data.values()):
        assert str(secret) not in there.partition("?")[2] or len(str(secret)) < 9
    assert there.partition("done=")[2] not in log_masking.masked(f'"GET {there} HTTP"')
    before = history(person)
    told = [words(tab.get(there)) for _ in range(2)]
    assert sentence in told[0]
    assert told[0] == told[1]
    # Whoever was given the address sees what a page of theirs would say.
    for site in ("none", "cross-site", "same-site"):
        given = tab.get(there, headers={"Sec-Fetch-Site": site})
        assert words(given) == words(tab.get(f"{url}?lang=en"))
        assert not undo_of(given)
    assert words(tab.get(there, headers={"Sec-Fetch-Site": "same-origin"})) == told[0]
    # In another language as well, and whatever is cut off its end.
    assert 'lang="nl"' in tab.get(there.replace("lang=en", "lang=nl")).content.decode()
    assert tab.get(there[:-9]).status_code == 200
    assert history(person) == before


@pytest.mark.parametrize("act", ACTS[:7], ids=lambda act: act.__name__)
def test_the_page_says_what_is_true_once_something_else_has_happened(
    person: Profile,
    tab: Client,
    act: Callable[[Profile], tuple[str, dict[str, Any], str]],
) -> None:
    url, data, _sentence = act(person)
    there = tab.post(url, {"act": "1"} | data)["Location"]
    consent.opt_out(person, "email", BY_COMMAND)
    consent.opt_in(person, "email", BY_COMMAND)
    assert words(tab.get(there)) == words(tab.get(f"{url}?lang=en"))


def test_back_after_an_undo_shows_the_page_and_not_an_act_that_is_undone(
    person: Profile, tab: Client
) -> None:
    url = one_click_path(person)
    there = tab.post(url, {"act": "1"})["Location"]
    undone = tab.post(url, {"undo": undo_of(tab.get(there))})["Location"]
    assert said("page.undone_title") in words(tab.get(undone))
    assert said("kinds.unsubscription.button") in words(tab.get(there))
    assert flags(person) == set()


@pytest.mark.parametrize(
    "data", [{"List-Unsubscribe": "One-Click"}, {}, {"x": "y"}], ids=str
)
def test_what_a_mail_client_sends_is_answered_directly(
    person: Profile, tab: Client, data: dict[str, str]
) -> None:
    answer = tab.post(one_click_path(person), data)
    assert answer.status_code == 200
    assert said("done.unsubscription") in words(answer)
    also = tab.post(one_click_path(person), {"List-Unsubscribe": "One-Click", "act": 1})
    assert also.status_code == 200


def test_an_outcome_opens_nothing_elsewhere(person: Profile, tab: Client) -> None:
    other = ProfileFactory(email="other@home.example")
    there = tab.post(one_click_path(person), {"act": "1"})["Location"]
    theirs = one_click_path(other) + "?" + there.partition("?")[2]
    assert words(tab.get(theirs)) == words(tab.get(one_click_path(other)))
    for forged in ("", "x", "é", there.partition("done=")[2][:-5]):
        with pytest.raises(BadLink):
            sealing.unseal(forged, within=outcomes.UNDO_LIFE)


def test_an_outcome_of_another_release_is_not_read(
    person: Profile, tab: Client, settings: Any
) -> None:
    """It may keep other facts: the page says what is true now."""
    path = one_click_path(person)
    there = tab.post(path, {"act": "1"})["Location"]
    now = words(tab.get(path))
    assert words(tab.get(there)) != now
    settings.VERSION = "0.0.1"
    assert words(tab.get(there)) == now


def test_an_address_that_would_be_too_long_is_not_led_to(
    person: Profile, tab: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "LONGEST_ADDRESS", 300)
    answer = tab.post(one_click_path(person), {"act": "1"})
    assert answer.status_code == 200
    assert said("done.unsubscription") in words(answer)


def test_what_stopped_everything_names_what_has_no_effect_now(
    person: Profile,
) -> None:
    subscriptions.subscribe(person, news(), BY_COMMAND)
    url = one_click_path(person)
    client = browser()
    token = undo_of(client.post(url, {"act": "1"}))
    client.post(url, {"instead_of": token, "wish": "month"})
    everything = url.replace("/u/", "/u/everything/")
    what = f"News; {said('wish.month')}"
    assert said("state.dormant", what=what) not in words(client.get(everything))
    done = client.post(everything, {"act": "1"})
    assert said("state.dormant", what=what) in words(done)
    assert said("state.dormant", what=what) in words(client.get(everything))
