"""No weak key buys a strong one: what the answers of all public pages hold."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.signing import b62_decode
from django.http import HttpResponse

from audiences import links, subscriptions
from audiences.consent import Origin, Source, opt_out
from audiences.links import Confirmation, Link, signing, web_addresses
from audiences.links.payloads import Permission
from audiences.models import ConsentEvent, LandingPage, Profile, Service, SignupRequest
from audiences.signups import proof_of_work, requesting
from tests.factories import BY_COMMAND, ProfileFactory

from .test_proof_of_work import solved, written
from .visitors import browser, flags, news, page, path_to

pytestmark = pytest.mark.django_db
ANN, OLD, NUMBER = "ann@shop.example", "ann@old.example", "+31612345678"
BY_PAGE = Origin(source=Source.LANDING_PAGE, ip="192.0.2.7", user_agent="Firefox")
DATED = re.compile(r"[A-Za-z0-9_-]+\.([A-Za-z0-9]{1,11})\.[A-Za-z0-9_-]{43}")
UNDATED = re.compile(r"[A-Za-z0-9_-]{3,}\.[A-Za-z0-9_-]{43}")
ANOTHER = "a key that has taken the place of the one that signed"


@pytest.fixture
def ann() -> Profile:
    profile = ProfileFactory(email=ANN, sms=NUMBER, first_name="Anneliese")
    subscriptions.subscribe(profile, news(slug="offers"), BY_COMMAND)
    opt_out(profile, "email", BY_COMMAND)
    return profile


@pytest.fixture
def service() -> Service:
    made = news()
    made.double_opt_in = True
    made.save()
    return made


def ago(monkeypatch: pytest.MonkeyPatch, **delta: float) -> None:
    """Sign as of a moment in the past."""
    at = time.time() - timedelta(**delta).total_seconds()
    monkeypatch.setattr(signing.signing.time, "time", lambda: at)


def every_page(ann: Profile, service: Service) -> list[str]:
    """The path of every kind of link that a person can have, and of every page."""
    made = [
        page(kind, f"the-{kind}", service=service if needs else None)
        for kind, needs in (
            ("preferences", False),
            ("acquisition", False),
            ("denylist", False),
            ("unsubscription", True),
            ("subscription", True),
        )
    ]
    asked = subscriptions.request(ann, service, BY_PAGE).event_id
    assert asked
    wait = Confirmation(ann.pk, service.pk, asked, signing.mark("email", ANN))
    last = ConsentEvent.objects.filter(channel="email").latest("id").pk
    version = LandingPage.objects.get(slug="the-acquisition").live_version
    assert version
    requesting.request_signup(
        version, {"email": ANN, "channels": ["email"]}, language="en", network=""
    )
    urls = [
        links.confirmation_url(wait),
        web_addresses.permission_url(
            Permission(ann.pk, "email", signing.mark("email", ANN), last)
        ),
        requesting.confirmation_url(SignupRequest.objects.get()),
        links.one_click_url(Link(ann.pk)),
        links.one_click_url(Link(ann.pk, "sms", service.pk)),
    ]
    paths = ["/" + url.split("/", 3)[3] for url in urls]
    for each in made:
        paths += [path_to(each, ann), f"/p/{each.slug}/"]
    return paths


FORMS: list[dict[str, Any]] = [
    {},
    {"act": "1"},
    {"stop": "1"},
    {"act": "1", "channels": ["email", "sms"], "services": []},
    {"List-Unsubscribe": "One-Click"},
    {"address": ANN, "email": ANN, "proof": "proof"},
]


def answers_of(path: str) -> list[HttpResponse]:
    tab = browser()
    found = [tab.get(path), tab.head(path), tab.get(f"{path}?lang=nl")]
    for form in FORMS:
        given = dict(form)
        if "proof" in given:
            given["proof"] = written(solved(proof_of_work.challenge()))
        found.append(tab.post(path, given))
    return [*found, tab.get(path)]


@pytest.mark.parametrize("days", [0, 6, 8, 60, 400])
@pytest.mark.one_database
def test_no_answer_holds_a_token_that_is_younger_than_the_presented_one(
    ann: Profile,
    service: Service,
    days: int,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.PROOF_OF_WORK_ROUNDS = 1
    with pytest.MonkeyPatch.context() as past:
        ago(past, days=days, hours=1)
        paths = every_page(ann, service)
    for path in paths:
        presented = DATED.search(path)
        for answer in answers_of(path):
            text = answer.content.decode() + str(answer.headers)
            for found in DATED.finditer(text):
                assert presented, f"{path}: no token was presented"
                assert b62_decode(found[1]) <= b62_decode(presented[1]), path
            for whole in UNDATED.findall(DATED.sub("", text)):
                assert whole in path, f"{path} answers with {whole}"


def test_an_old_confirmation_link_shows_nothing_and_leads_to_no_link(
    ann: Profile, service: Service
) -> None:
    """How somebody was opted in again with a link of sixty days ago."""
    page("preferences")
    asked = subscriptions.request(ann, service, BY_PAGE).event_id
    assert asked
    wait = Confirmation(ann.pk, service.pk, asked, signing.mark("email", ANN))
    with pytest.MonkeyPatch.context() as past:
        ago(past, days=60)
        old = "/" + links.confirmation_url(wait).split("/", 3)[3]
    fresh = "/" + links.confirmation_url(wait).split("/", 3)[3]
    tab = browser()
    assert tab.get(old).status_code == tab.post(old).status_code == 404
    assert tab.post(fresh).status_code == 200
    for answer in (tab.get(fresh), tab.post(fresh)):
        assert "/p/preferences/" not in answer.content.decode()
        assert "our emails" not in answer.content.decode()
        assert "already confirmed this" in answer.content.decode()
    assert tab.get(old).status_code == 404
    assert flags(ann) == {"email"}


# ------------------------------------------------------------------ keys of before
@pytest.fixture(params=["SECRET_KEY_FALLBACKS", "LINK_KEYS", "SECRET_KEY"])
def before(request: pytest.FixtureRequest, settings: Any) -> Any:
    """What makes the key of now one of before, by the three ways to keep it."""

    def rotate() -> None:
        old = settings.SECRET_KEY
        if request.param == "SECRET_KEY_FALLBACKS":
            settings.SECRET_KEY_FALLBACKS = [old]
            settings.SECRET_KEY = ANOTHER
        elif request.param == "LINK_KEYS":
            settings.LINK_KEYS = [ANOTHER, old]
        else:
            settings.LINK_KEYS = [ANOTHER]

    return rotate


def test_a_key_of_before_shows_nothing_of_anybody(
    ann: Profile, service: Service, before: Any, settings: Any
) -> None:
    settings.PROOF_OF_WORK_ROUNDS = 1
    Profile.objects.update(language="nl")
    paths = every_page(ann, service)
    before()
    for path in (p for p in paths if DATED.search(p)):
        if "confirm" in path or "allow" in path:
            assert browser().get(path).status_code == 404
            assert browser().post(path).status_code == 404
            continue
        for answer in answers_of(path):
            text = answer.content.decode()
            is_asked = "lang=nl" in answer.request["QUERY_STRING"]
            assert is_asked or 'lang="nl">' not in text.partition("<head>")[0]
            for secret in ("a***", "shop.ex", "Anneliese", "checked", "Offers"):
                assert secret not in text, (path, secret)
            for state in ("You get", "You do not", "You are", "undo"):
                assert state not in text, (path, state)


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        ("preferences", {"email", "sms"}),
        ("acquisition", {"email", "sms"}),
        ("unsubscription", {"email", "sms"}),
        ("denylist", {"email", "any"}),
    ],
)
def test_a_key_of_before_still_stops(
    ann: Profile, before: Any, kind: str, after: set[str]
) -> None:
    url = path_to(page(kind), ann, channel="sms")
    before()
    shown = browser().get(url).content.decode()
    [name] = re.findall(r'name="(act|stop)" value="1"', shown)
    answer = browser().post(url, {name: "1"})
    assert "it takes effect right away" in answer.content.decode()
    assert flags(ann) == after


def test_a_key_of_before_does_what_an_old_form_unticked_and_not_what_it_ticked(
    ann: Profile, before: Any
) -> None:
    url = path_to(page("preferences", channels=["email", "sms"]), ann)
    before()
    browser().post(url, {"act": "1", "shown": "sms", "channels": ["email"]})
    assert flags(ann) == {"email", "sms"}


def test_the_form_of_a_subscription_page_never_ends_it_after_a_change_of_keys(
    ann: Profile, before: Any
) -> None:
    offers = Service.objects.get(slug="offers")
    url = path_to(page("subscription", service=offers), ann)
    before()
    browser().post(url, {"act": "1"})
    assert ann.subscriptions.get().status == "active"


def test_a_key_of_before_undoes_nothing(ann: Profile, before: Any) -> None:
    url = path_to(page("denylist"), ann)
    done = browser().post(url, {"act": "1"}).content.decode()
    [undo] = re.findall(r'name="undo" value="([^"]+)"', done)
    before()
    browser().post(url, {"undo": undo})
    assert "any" in flags(ann)


def test_sessions_and_links_rotate_apart(ann: Profile, settings: Any) -> None:
    settings.LINK_KEYS = ["a key that signs links and nothing else on this site"]
    url = path_to(page("preferences", channels=["email"]), ann)
    settings.SECRET_KEY = ANOTHER
    settings.SECRET_KEY_FALLBACKS = []
    browser().post(url, {"act": "1", "channels": ["email"]})
    assert flags(ann) == set()
