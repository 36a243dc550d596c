"""Visitors without a personal link: they change and learn nothing on the page."""

import json
import re
from html import unescape
from typing import Any

import altcha
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from audiences import consent, landing_pages, privacy, subscriptions
from audiences.models import OutboxMail, Profile, SignupRequest
from audiences.signups import proof_of_work, requesting
from tests.factories import BY_COMMAND, ProfileFactory

from .test_http import REQUESTS, everything
from .visitors import browser, flags, news, page, path_to, subscriptions_of, words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _little_work(settings: Any) -> None:
    settings.PROOF_OF_WORK_ROUNDS = 2


def solved(response: HttpResponse) -> str:
    """What the page's script would post: its challenge and the solution."""
    found = re.search(r'data-proof="([^"]*)"', response.content.decode())
    assert found
    challenge = altcha.Challenge.from_dict(json.loads(unescape(found[1])))
    solution = altcha.solve_challenge(challenge)
    payload = altcha.Payload(challenge, solution)
    return str(payload.to_base64())


KNOWN, UNKNOWN = "known@example.com", "unknown@example.com"


@pytest.mark.parametrize("kind", ["denylist", "unsubscription", "preferences"])
def test_the_answer_is_the_same_for_known_and_unknown_addresses(kind: str) -> None:
    ProfileFactory(email=KNOWN)
    url = f"/p/{page(kind).slug}/"
    before = everything(but=REQUESTS)
    answers, work = [], []
    for address in (KNOWN, UNKNOWN):
        proof = solved(browser().get(url))
        with CaptureQueriesContext(connection) as queries:
            answer = browser().post(url, {"address": address, "proof": proof})
        assert answer.status_code == 200
        # What was typed is repeated, whoever it belongs to.
        assert address in answer.content.decode()
        answers.append(answer.content.replace(address.encode(), b"TYPED"))
        work.append(
            [
                re.sub(r"'[^']*'|\d+", "?", q["sql"])[:60]
                for q in queries.captured_queries
            ]
        )
    assert answers[0] == answers[1]
    assert work[0] == work[1]
    assert OutboxMail.objects.count() == 2
    assert everything(but=REQUESTS) == before
    text = answers[0].decode()
    assert KNOWN not in text
    assert "If we know" in text


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("", "required"),
        ("no address", "isn't an email address"),
        ("a@b", "isn't an email"),
    ],
)
def test_what_is_no_address_is_said_at_the_field(address: str, error: str) -> None:
    url = f"/p/{page('denylist').slug}/"
    proof = solved(browser().get(url))
    answer = browser().post(url, {"address": address, "proof": proof})
    assert error in words(answer)
    assert OutboxMail.objects.count() == 0
    # The work is not lost: the same proof counts for the corrected address.
    done = browser().post(url, {"address": KNOWN, "proof": proof})
    assert "Check your messages" in words(done)
    again = browser().post(url, {"address": KNOWN, "proof": proof})
    assert words(again) == words(done), "the button was pressed twice"
    assert OutboxMail.objects.count() == 1
    other = browser().post(url, {"address": UNKNOWN, "proof": proof})
    assert "puzzle wasn't solved" in words(other)


@pytest.mark.parametrize("proof", ["", "x", "e30="])
def test_without_the_work_nothing_is_asked_for(proof: str) -> None:
    url = f"/p/{page('denylist').slug}/"
    answer = browser().post(url, {"act": "1", "address": KNOWN, "proof": proof})
    # Who cannot run the script is not told to try again.
    why = "puzzle wasn't solved. Please try again" if proof else "needs JavaScript"
    assert why in words(answer)
    assert proof or "try again" not in words(answer)
    assert OutboxMail.objects.count() == 0


def test_a_page_for_identified_visitors_alone_has_no_form() -> None:
    page("preferences", allows_unidentified=False)
    for act in (browser().get, browser().post):
        answer = act("/p/preferences/")
        assert b"<form" not in answer.content
        assert "personal link" in words(answer)


def test_somebody_signs_up_by_page_and_mail(settings: Any) -> None:
    service = news()
    made = page(
        *("acquisition", "hello"),
        extra_fields=["first_name"],
        channels=["email", "sms"],
        needs_agreement=True,
    )
    url = f"/p/{made.slug}/"
    data = {
        "email": "New@example.com",
        "first_name": "Nel",
        "channels": ["email"],
        "services": [str(service.pk)],
        "proof": solved(browser().get(url)),
    }
    refused = browser().post(url, data)
    assert "Please tick this box first." in words(refused)
    asked = browser().post(url, {**data, "agreement": "on"})
    assert "open it to confirm" in words(asked)
    assert Profile.objects.count() == 0
    request = SignupRequest.objects.get()
    path = requesting.confirmation_url(request).removeprefix(settings.BASE_URL)
    assert "Please confirm" in words(browser().get(path))
    assert Profile.objects.count() == 0
    done = browser().post(path)
    assert "You can get our emails." in words(done)
    profile = Profile.objects.get()
    assert (profile.first_name, flags(profile)) == ("Nel", {"sms"})
    assert subscriptions_of(profile) == {"news"}


def test_a_used_sign_up_link_says_what_is_true_now_of_what_it_asked_for(
    settings: Any,
) -> None:
    service = news()
    asked = page("acquisition", channels=["email", "sms"], services=[service])
    page("preferences", channels=["email"])
    ticked = {"services": [service.pk], "channels": ["email"]}
    version = asked.live_version
    assert version
    requesting.request_signup(
        version,
        {"email": "new@shop.example", **ticked},  # type: ignore[typeddict-item]
        language="en",
        network="",
    )
    request = SignupRequest.objects.get()
    path = requesting.confirmation_url(request).removeprefix(settings.BASE_URL)
    browser().post(path)
    profile = Profile.objects.get()

    def says() -> str:
        seen = [words(act(path)) for act in (browser().post, browser().get)]
        assert seen[0] == seen[1]
        assert "You've already confirmed this" in seen[0]
        assert "text messages" not in seen[0], "the link did not ask for that"
        return seen[0]

    assert "You can get our emails. You're subscribed to News." in says()
    subscriptions.unsubscribe(profile, service, BY_COMMAND)
    assert "You're not subscribed to News." in says()
    consent.opt_out(profile, "email", BY_COMMAND)
    assert "You don't get our emails." in says()
    consent.opt_out(profile, "any", BY_COMMAND)
    assert "You don't get any messages from us" in says()
    assert 'href="/p/preferences/' in browser().get(path).content.decode()
    request.refresh_from_db()
    assert (request.email, request.key, request.data) == ("", "", ticked)
    privacy.erase(profile)
    assert browser().get(path).status_code == 404


def test_a_subscription_page_asks_for_the_address_alone(settings: Any) -> None:
    url = f"/p/{page('subscription', service=news()).slug}/"
    shown = browser().get(url)
    assert "Subscribe to News" in words(shown)
    browser().post(url, {"email": KNOWN, "proof": solved(shown)})
    request = SignupRequest.objects.get()
    path = requesting.confirmation_url(request).removeprefix(settings.BASE_URL)
    browser().post(path)
    assert subscriptions_of(Profile.objects.get()) == {"news"}


def test_an_existing_profile_is_not_changed_by_a_sign_up_before_it_is_confirmed() -> (
    None
):
    profile = ProfileFactory(email=KNOWN, first_name="Anna")
    made = page("acquisition", extra_fields=["first_name"], channels=["email"])
    url = f"/p/{made.slug}/"
    before = everything(but=REQUESTS)
    proof = solved(browser().get(url))
    browser().post(url, {"email": KNOWN, "first_name": "Mallory", "proof": proof})
    assert everything(but=REQUESTS) == before
    profile.refresh_from_db()
    assert profile.first_name == "Anna"


def test_without_script_the_page_names_whom_to_write_to(settings: Any) -> None:
    page("denylist")
    settings.CONTACT_EMAIL = "help@example.org"
    text = browser().get("/p/denylist/").content.decode()
    assert "<noscript>" in text
    assert 'Or write to <a href="mailto:help@example.org">help@example.org</a>.' in text
    # A form that cannot be sent has no button: the script shows it.
    assert re.search(r"<button[^>]* hidden>", text)


def test_nobody_signs_up_for_nothing() -> None:
    page("acquisition", channels=["email"], services=[news()])
    given = {
        "email": "new@shop.example",
        "proof": solved(browser().get("/p/acquisition/")),
    }
    refused = browser().post("/p/acquisition/", given)
    assert "Please tick at least one of these." in words(refused)
    assert not SignupRequest.objects.exists()


def test_a_page_does_not_submit_itself() -> None:
    page("denylist")
    assert proof_of_work.challenge()
    text = browser().get("/p/denylist/").content.decode()
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
    assert scripts == [""]


@pytest.mark.parametrize(
    ("language", "written", "shown"),
    [
        ("en", "", "Sign up"),
        ("nl", "", "Aanmelden"),
        ("en", "Join us", "Join us"),
    ],
)
def test_the_button_to_sign_up_says_what_it_does(
    language: str, written: str, shown: str
) -> None:
    made = landing_pages.create("welcome", kind="acquisition")
    made.texts.update_or_create(language=language, defaults={"button": written})
    landing_pages.publish(made)
    answer = browser().get(f"/p/welcome/?lang={language}")
    assert f">{shown}</button>" in answer.content.decode()
    # For somebody who is known it saves what was ticked.
    personal = path_to(made, ProfileFactory(), channel="email")
    known = browser().get(f"{personal}?lang={language}").content.decode()
    own = {"en": "Save", "nl": "Opslaan"}[language]
    assert f">{shown if written else own}</button>" in known


def test_a_button_names_what_it_is_about() -> None:
    made = landing_pages.create("get", kind="subscription", service=news())
    made.texts.update_or_create(language="en", defaults={"button": "Get {messages}"})
    landing_pages.publish(made)
    text = browser().get("/p/get/?lang=en").content.decode()
    assert f">Get {made.service}</button>" in text
