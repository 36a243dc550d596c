"""Pages of other sites make no visitor's browser sign up; opting out asks nobody."""

import re
from typing import Any

import pytest

from audiences import consent, subscriptions
from audiences.links import Link, one_click_url, unsubscribe_address
from audiences.models import OutboxMail, Profile, SignupRequest
from audiences.signups import proof_of_work, requesting
from delivery.feedback.intake import effects
from tests.factories import BY_COMMAND, ProfileFactory

from .test_double_opt_in import BY_PAGE, confirm_path, mailboxes
from .test_proof_of_work import solved, written
from .visitors import (
    browser,
    flags,
    news,
    one_click_path,
    page,
    path_to,
    subscriptions_of,
    words,
)

pytestmark = pytest.mark.django_db
ANN = "ann@shop.example"

# What a browser says of who sent the form; whether that was a page of ours.
SENT_BY: list[tuple[dict[str, str], bool]] = [
    ({}, True),
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
    ({"Origin": "null"}, True),
    ({"Origin": "http://testserver"}, True),
    ({"Origin": "https://testserver"}, True),
    ({"Origin": "https://news.example.org"}, True),
    ({"Origin": "HTTPS://News.Example.org"}, True),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "Cross-Site"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, False),
    ({"Sec-Fetch-Site": "nonsense"}, False),
    ({"Origin": "https://evil.example"}, False),
    ({"Origin": "https://testserver.evil.example"}, False),
    ({"Origin": "https://evil.example/testserver"}, False),
    ({"Origin": "http://testserver:8080"}, False),
]
by_sender = pytest.mark.parametrize(("headers", "is_ours"), SENT_BY, ids=str)


@pytest.fixture(autouse=True)
def _little_work(settings: Any) -> None:
    settings.PROOF_OF_WORK_ROUNDS = 1
    settings.BASE_URL = "https://news.example.org"


@by_sender
@pytest.mark.parametrize("kind", ["denylist", "acquisition"])
def test_a_form_for_everybody(
    headers: dict[str, str], is_ours: bool, kind: str
) -> None:
    page(kind)
    proof = written(solved(proof_of_work.challenge()))
    data = {"address": ANN, "email": ANN, "channels": "email", "proof": proof}
    answer = browser(**headers).post(f"/p/{kind}/", data)
    assert answer.status_code == (200 if is_ours else 403)
    assert OutboxMail.objects.exists() == is_ours
    assert is_ours or "come from our page" in words(answer)


@by_sender
def test_the_buttons_that_confirm(headers: dict[str, str], is_ours: bool) -> None:
    made = page("acquisition", channels=["email"])
    assert made.live_version
    requesting.request_signup(
        made.live_version,
        {"email": ANN, "channels": ["email"]},
        language="en",
        network="",
    )
    url = requesting.confirmation_url(SignupRequest.objects.get())
    answer = browser(**headers).post("/" + url.split("/", 3)[3])
    assert answer.status_code == (200 if is_ours else 403)
    assert Profile.objects.exists() == is_ours


@by_sender
def test_the_boxes_of_a_personal_page(headers: dict[str, str], is_ours: bool) -> None:
    profile = ProfileFactory(email=ANN)
    consent.opt_out(profile, "email", BY_COMMAND)
    url = path_to(page("preferences", channels=["email"]), profile)
    browser(**headers).post(url, {"act": "1", "channels": ["email"]})
    assert flags(profile) == (set() if is_ours else {"email"})


@by_sender
@pytest.mark.parametrize("way", ["one click", "unsubscription", "denylist"])
def test_opting_out_asks_nobody_where_it_comes_from(
    headers: dict[str, str], is_ours: bool, way: str
) -> None:
    """Mail clients post from wherever they are (RFC 8058)."""
    profile = ProfileFactory(email=ANN)
    url = one_click_path(profile) if way == "one click" else path_to(page(way), profile)
    assert browser(**headers).post(url).status_code == 200
    assert flags(profile) == {"any" if way == "denylist" else "email"}


def test_looking_asks_nobody_either() -> None:
    """A link in a web mail is followed from another site."""
    profile = ProfileFactory(email=ANN)
    tab = browser(**{"Sec-Fetch-Site": "cross-site"})
    for made in (page("denylist"), page("acquisition")):
        assert tab.get(f"/p/{made.slug}/").status_code == 200
        assert tab.get(path_to(made, profile)).status_code == 200


# ------------------------------------------------------------------ glued to a link
GLUED = [
    ".",
    ")",
    ").",
    ">",
    "%3E",
    "%22%3E",
    "&utm_source=x",
    "&utm_source=x&utm_campaign=a/b",
    ",",
    ";",
    "'",
    "%20and",
    "…",
    "=",
    "!",
    "%0A",
    "*",
    "]",
]


def glued(path: str, glue: str) -> list[str]:
    """With it in the place of the last slash, and behind that."""
    return [path.rstrip("/") + glue, path + glue, path.rstrip("/") + glue + "/"]


@pytest.mark.parametrize("glue", GLUED)
def test_what_is_glued_to_a_whole_link_is_cut_off(glue: str, settings: Any) -> None:
    service = news()
    service.double_opt_in = True
    service.save()
    profile = ProfileFactory(email=ANN)
    for path in (one_click_path(profile), path_to(page("denylist"), profile)):
        for url in glued(path, glue):
            assert browser().get(url).status_code == 200, url
            assert browser().post(url).status_code == 200, url
    assert flags(profile) == {"email", "any"}
    with mailboxes.running() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        subscriptions.request(profile, service, BY_PAGE)
        confirm = confirm_path(server)
    for url in glued(confirm, glue):
        assert browser().get(url).status_code == 200, url
    assert browser().post(confirm + glue).status_code == 200
    assert subscriptions_of(profile) == {"news"}


@pytest.mark.parametrize("glue", ["A", "-", "_", "0", "AA.", "é", "A/", "/../x"])
def test_a_letter_of_a_tokens_own_makes_it_another_one(glue: str) -> None:
    profile = ProfileFactory(email=ANN)
    url = one_click_path(profile).rstrip("/") + glue
    if re.match(r"[A-Za-z0-9_-]", glue):
        assert browser().post(url).status_code == 404
        assert flags(profile) == set()


def test_an_address_that_unsubscribes_by_mail_is_read_whole_or_not(
    settings: Any,
) -> None:
    settings.UNSUBSCRIBE_MAILBOX = "unsubscribe@example.org"
    profile = ProfileFactory(email=ANN)
    address = unsubscribe_address(Link(profile.pk))
    assert effects.unsubscribe_link(f"<{address}>")
    local, _at, domain = address.partition("@")
    assert effects.unsubscribe_link(f"{local}x@{domain}") is None
    assert one_click_url(Link(profile.pk)).startswith("https://")
