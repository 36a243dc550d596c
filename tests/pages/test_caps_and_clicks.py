"""One cap for all that can be asked about an address; a double click counts once."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audiences import outbox, subscriptions
from audiences.models import (
    OutboxMail,
    Profile,
    RequestCount,
    Service,
    SignupRequest,
    Subscription,
)
from audiences.outbox import caps
from audiences.signups import proof_of_work, requesting
from audiences.signups.mailing_links import request_link
from tests.factories import ProfileFactory

from .test_double_opt_in import BY_PAGE
from .test_proof_of_work import solved, written
from .visitors import browser, news, page, path_to, words

pytestmark = pytest.mark.django_db
ANN = "ann@shop.example"
SPELLINGS = [ANN, "a.n.n@shop.example", "ann+news@shop.example", "ANN@shop.example"]


@pytest.fixture(autouse=True)
def _little_work(settings: Any) -> None:
    settings.PROOF_OF_WORK_ROUNDS = 1


def double(slug: str = "news") -> Service:
    made = news(slug=slug)
    made.double_opt_in = True
    made.save()
    return made


def link(given: str = ANN) -> bool:
    return request_link(
        given, page="stop", kind="denylist", language="en", network="192.0.2.0/24"
    )


def test_links_sign_ups_and_confirmations_share_the_cap_of_a_mailbox() -> None:
    made = page("acquisition", channels=["email"])
    assert made.live_version
    people = [ProfileFactory(email=given) for given in SPELLINGS[1:3]]
    assert link()
    assert requesting.request_signup(
        made.live_version,
        {"email": SPELLINGS[3], "channels": ["email"]},
        language="en",
        network="",
    )
    first = subscriptions.request(people[0], double("a"), BY_PAGE)
    second = subscriptions.request(people[1], double("b"), BY_PAGE)
    assert (first.is_unsent, second.is_unsent) == (False, True)
    assert not link("Ann+more@shop.example")
    assert OutboxMail.objects.count() == 3


def test_each_service_asks_once_a_day() -> None:
    profile = ProfileFactory(email=ANN)
    service, other = double("a"), double("b")
    OutboxMail.objects.all().delete()
    asked = []
    for each in (service, service, other, service):
        asked.append(not subscriptions.request(profile, each, BY_PAGE).is_unsent)
        OutboxMail.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    assert asked == [True, False, True, False]
    RequestCount.objects.update(day=timezone.now().date() - timedelta(days=1))
    assert not subscriptions.request(profile, service, BY_PAGE).is_unsent


def test_a_visitor_without_a_link_is_asked_once_a_day_about_a_service_too() -> None:
    service = double()
    made = page("subscription", service=service)
    assert made.live_version
    profile = ProfileFactory(email=ANN)
    assert requesting.request_signup(
        made.live_version, {"email": ANN}, language="en", network=""
    )
    assert subscriptions.request(profile, service, BY_PAGE).is_unsent


# ------------------------------------------------------------------ what the page says
def test_the_page_says_when_no_mail_was_sent(settings: Any) -> None:
    profile, service = ProfileFactory(email=ANN), double()
    url = path_to(page("subscription", service=service), profile)
    while link():
        pass
    answer = words(browser().post(url, {"act": "1"}))
    for text in (answer, words(browser().get(url))):
        assert "We couldn't send you a link" in text
        assert "we've sent you" not in text
    assert Subscription.objects.get().status == "pending"
    RequestCount.objects.all().delete()
    answer = words(browser().post(url, {"act": "1"}))
    assert "open the link in the email we've sent you." in answer
    assert "No message" not in answer


def test_the_page_says_when_no_second_mail_was_sent() -> None:
    profile, service = ProfileFactory(email=ANN), double()
    url = path_to(page("subscription", service=service), profile)
    browser().post(url, {"act": "1"})
    OutboxMail.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    answer = words(browser().post(url, {"act": "1"}))
    assert "another message about News: one went out earlier today" in answer
    assert "we've sent you" in answer
    assert OutboxMail.objects.count() == 1


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("kind", ["denylist", "acquisition"])
def test_the_page_for_everybody_says_so_alike_for_known_and_unknown(
    kind: str, language: str
) -> None:
    ProfileFactory(email=ANN)
    page(kind)
    said: dict[str, list[str]] = {ANN: [], "nobody@shop.example": []}
    for _request in range(5):
        for address, answers in said.items():
            proof = written(solved(proof_of_work.challenge()))
            data = {"address": address, "email": address, "proof": proof}
            data["channels"] = "email"
            answer = browser().post(f"/p/{kind}/?lang={language}", data)
            answers.append(answer.content.decode().replace(address, "TYPED"))
    known, unknown = said.values()
    assert known == unknown
    none = {"en": "No message was sent", "nl": "Er is geen bericht verstuurd"}[language]
    assert [none in text for text in known] == [False] * 3 + [True] * 2


# ------------------------------------------------------------------ a double click
@pytest.mark.parametrize("kind", ["denylist", "acquisition"])
def test_a_form_that_is_sent_twice_counts_once(kind: str) -> None:
    page(kind)
    proof = written(solved(proof_of_work.challenge()))
    data = {"address": ANN, "email": ANN, "channels": "email", "proof": proof}
    answers = [browser().post(f"/p/{kind}/", data) for _click in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert "Check your messages" in words(answers[0])
    assert OutboxMail.objects.count() == 1
    assert SignupRequest.objects.count() == (1 if kind == "acquisition" else 0)
    counts = RequestCount.objects.values_list("scope", "count")
    assert sorted(counts) == [("address", 1), ("network", 1)]


def test_a_proof_that_comes_back_with_another_wish_is_refused() -> None:
    page("acquisition", channels=["email", "sms"])
    proof = written(solved(proof_of_work.challenge()))
    first = {"email": ANN, "channels": ["email"], "proof": proof}
    assert "Check your messages" in words(browser().post("/p/acquisition/", first))
    for other in ({"channels": ["sms"]}, {"email": "b@shop.example"}):
        answer = browser().post("/p/acquisition/", first | other)
        assert "puzzle wasn't solved" in words(answer)
    assert OutboxMail.objects.count() == 1


def test_a_double_click_on_subscribe_sends_one_mail_and_says_so_twice() -> None:
    profile, service = ProfileFactory(email=ANN), double()
    url = path_to(page("subscription", service=service), profile)
    answers = [words(browser().post(url, {"act": "1"})) for _click in range(2)]
    for answer in answers:
        assert "open the link in the email we've sent you." in answer
        assert "No new message" not in answer
    assert OutboxMail.objects.count() == 1
    assert outbox.is_on_its_way(
        OutboxMail.Kind.REQUEST, ANN, OutboxMail.objects.get().context
    )


@pytest.mark.parametrize("given", SPELLINGS)
def test_a_mailbox_has_one_name_for_the_caps(given: str) -> None:
    assert caps.subject_of("email", given.lower()) == "email:ann@shop.example"


def test_a_number_or_customer_number_is_counted_as_it_is() -> None:
    assert caps.subject_of("sms", "+31612345678") == "sms:+31612345678"
    assert caps.subject_of("external_id", "a.b+c@d") == "external_id:a.b+c@d"
    assert Profile.objects.count() == 0
