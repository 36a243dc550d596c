"""What holds for every public address: methods, headers, tokens, languages, closing."""

import io
import logging
import os
import random
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError, connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from audiences import landing_pages, links
from audiences.landing_pages import logos
from audiences.links import Link, mail_addresses, web_addresses
from audiences.masking import masked
from audiences.models import (
    LandingPageText,
    OutboxMail,
    Profile,
    RequestCount,
    SignupRequest,
    UsedProof,
)
from audiences.pages import log_masking
from tests.factories import ProfileFactory

from .visitors import browser, history, news, one_click_path, page, path_to, words

pytestmark = pytest.mark.django_db


# What visitors without a link leave behind when they post a form.
REQUESTS = (OutboxMail, RequestCount, SignupRequest, UsedProof)


def everything(*, but: tuple[type[Model], ...] = ()) -> list[Any]:
    """All rows of all tables, of visitors' sessions, requests and counters as well."""
    models = [m for m in apps.get_models() if m._meta.managed and m not in but]
    return [list(model._base_manager.order_by("pk").values()) for model in models]


@pytest.fixture
def profile() -> Profile:
    made: Profile = ProfileFactory(email="a@example.com", sms="+31612345678")
    return made


@pytest.fixture
def addresses_of_pages(profile: Profile) -> list[str]:
    """Every public address: each kind with a link and without, good and bad."""
    service = news()
    kinds = ["acquisition", "unsubscription", "denylist", "preferences"]
    pages = [page(kind, stops_address=kind == "denylist") for kind in kinds]
    pages.append(page("subscription", service=service))
    return [
        *(path_to(made, profile, service_id=service.pk) for made in pages),
        *(f"/p/{made.slug}/" for made in pages),
        one_click_path(profile),
        one_click_path(profile, service_id=service.pk),
        one_click_path(profile).rstrip("/"),
        "/u/forged/",
        "/p/denylist/forged/",
        "/p/nowhere/",
        "/p/nowhere/forged/",
        "/p/denylist/confirm/forged/",
        "/p/brand/1a56a8-ffffff-f1f4f8.css",
        f"/p/logo/{'0' * 64}",
        "/p/",
        "/u/",
    ]


# Rounds of looking at every page in four ways.
LOOKS = int(os.environ.get("LOOKS", "1"))


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete", "trace"])
def test_only_post_changes_anything(method: str, addresses_of_pages: list[str]) -> None:
    before = everything()
    for url in addresses_of_pages * LOOKS:
        for query in ("", "?lang=nl", "?undo=1&act=1", "?List-Unsubscribe=One-Click"):
            answer = getattr(browser(), method)(url + query)
            assert answer.status_code in (200, 204, 404, 405), (url, answer)
    assert everything() == before


@pytest.mark.parametrize("method", ["get", "post", "options", "put"])
def test_every_answer_has_the_headers_of_a_public_page(
    method: str, addresses_of_pages: list[str]
) -> None:
    tab = browser()
    tab.cookies.load({"sessionid": "short", "csrftoken": "x", "django_language": "nl"})
    for url in addresses_of_pages:
        answer = getattr(tab, method)(url)
        assert "Set-Cookie" not in answer, url
        assert not answer.cookies
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Robots-Tag"] == "noindex, nofollow"
        policy = answer["Content-Security-Policy"]
        for part in (
            "default-src 'none'",
            "style-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ):
            assert part in policy
        has_script = b"<script" in answer.content
        assert ("script-src" in policy) == has_script, url
        assert "unsafe" not in policy
        kept = answer["Cache-Control"] != "no-store"
        assert kept == (answer.status_code == 200 and ".css" in url), url
        if answer["Content-Type"].startswith("text/html"):
            assert b" style=" not in answer.content
            assert b"http://" not in answer.content.replace(b"http://www.w3", b"")


def test_pages_of_personal_links_have_no_script(profile: Profile) -> None:
    for kind in ("denylist", "preferences", "unsubscription", "acquisition"):
        answer = browser().get(path_to(page(kind), profile))
        assert b"<script" not in answer.content
        assert "script-src" not in answer["Content-Security-Policy"]


def test_a_page_for_a_fresh_link_holds_no_address_at_all(profile: Profile) -> None:
    for kind in ("denylist", "preferences"):
        text = browser().get(path_to(page(kind), profile)).content.decode()
        assert "a@example.com" not in text
        assert "612345678" not in text


# ---------------------------------------------------------------- tokens
def bad_tokens(profile: Profile) -> list[str]:
    good = links.opt_out_token(Link(profile.pk))
    of_page = web_addresses.page_token(
        Link(profile.pk, page="denylist", kind="denylist")
    )
    chance = random.Random(1)
    swapped = [
        good[: (place := chance.randrange(len(good)))]
        + chance.choice("abcXYZ019-_")
        + good[place + 1 :]
        for _ in range(500)
    ]
    return [
        *(t for t in swapped if t != good),
        *(good[:end] for end in range(1, len(good))),
        good + good,
        of_page,
        links.undo_token(links.Undo(profile.pk, (1,))),
        mail_addresses.mail_token(Link(profile.pk)),
        "1",
        "%00",
        "%0d%0aSet-Cookie:x",
        "é",
        "x" * 3000,
    ]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.one_database
def test_every_bad_token_gets_the_same_answer(profile: Profile, method: str) -> None:
    page("denylist")
    act = getattr(browser(), method)
    before = everything()
    answers = {
        (answer.status_code, answer.content)
        for token in bad_tokens(profile)
        for answer in [act(f"/u/{token}/")]
    }
    good_elsewhere = web_addresses.page_token(
        Link(profile.pk, page="other", kind="denylist")
    )
    expired = act(f"/p/denylist/{good_elsewhere}/")
    answers.add((expired.status_code, expired.content))
    ((status, content),) = answers
    assert status == 404
    assert b"This link doesn" in content
    assert everything() == before


def test_a_bad_token_reads_nothing_but_who_writes(profile: Profile) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert browser().post("/u/forged/").status_code == 404
    (read,) = queries.captured_queries
    assert "audiences_organisation" in read["sql"]


def test_tokens_are_not_in_the_logs(
    profile: Profile, caplog: pytest.LogCaptureFixture
) -> None:
    url = one_click_path(profile)
    token = url.split("/")[2]
    with caplog.at_level(logging.DEBUG):
        browser().get(url[:-8])
        browser().put(url)
        browser().get(path_to(page("denylist"), profile)[:-7])
        logging.getLogger("django.server").info('"%s" %s', f"GET {url} HTTP/1.1", "200")
    assert caplog.records
    assert token[:30] not in caplog.text
    assert "/u/…" in caplog.text


@pytest.mark.parametrize(
    "path",
    ["/p/news/confirm/{}/", "/u//{}", "/u/x/{}", "//p//news//{}", "/p/a/b/{}?x=1"],
)
def test_no_way_to_write_an_address_lets_a_token_into_the_logs(path: str) -> None:
    line = log_masking.masked(f'"GET {path.format("t" * 40)} HTTP/1.1" 200')
    assert "ttt" not in line
    assert line.endswith(' HTTP/1.1" 200')


# ---------------------------------------------------------------- languages
LANGUAGES: list[tuple[str, str, str, str]] = [
    # ?lang=, profile's, browser's, shown
    ("", "", "", "en"),
    ("", "", "nl", "nl"),
    ("", "", "fr, nl-BE;q=0.8, en;q=0.5", "nl"),
    ("", "nl", "en", "nl"),
    ("", "nl-BE", "en", "nl"),
    ("", "fr", "nl", "nl"),
    ("en", "nl", "nl", "en"),
    ("xx", "nl", "en", "nl"),
    ("../../x", "", "fr", "en"),
]


@pytest.mark.parametrize(("asked", "own", "browsers", "shown"), LANGUAGES)
def test_the_language_of_a_page(
    profile: Profile, asked: str, own: str, browsers: str, shown: str
) -> None:
    Profile.objects.update(language=own)
    tab = browser(**{"Accept-Language": browsers})
    url = path_to(page("denylist"), profile) + (f"?lang={asked}" if asked else "")
    titles = {
        tab.get: {"en": "Stop everything", "nl": "Alles stoppen"},
        tab.post: {
            "en": "You're unsubscribed from everything",
            "nl": "Je bent overal voor afgemeld",
        },
    }
    for act in (tab.get, tab.post):
        answer = act(url)
        assert f'<html lang="{shown}">' in answer.content.decode()
        assert answer["Content-Language"] == shown
        assert titles[act][shown] in words(answer)


def test_a_page_speaks_the_languages_that_it_has(profile: Profile) -> None:
    made = page("denylist", languages=["nl"])
    answer = browser().get(path_to(made, profile) + "?lang=en")
    assert answer["Content-Language"] == "nl"
    assert "English" not in words(answer)


def test_dates_and_errors_are_in_the_language_too(profile: Profile) -> None:
    opens = timezone.now().replace(year=2050, month=3, day=5)
    page("subscription", "later", service=news(), opens_at=opens)
    text = words(browser().get("/p/later/?lang=nl"))
    assert "nog niet open" in text
    assert "5 mrt 2050" in text
    made = page("preferences", extra_fields=["first_name"])
    url = path_to(made, profile) + "?lang=nl"
    answer = browser().post(url, {"first_name": "x" * 200})
    assert "niet meer dan 150 tekens" in words(answer)


# ---------------------------------------------------------------- dates of a page
def test_a_closed_page_says_so_or_leads_elsewhere(profile: Profile) -> None:
    ended = timezone.now() - timedelta(days=1)
    service = news()
    made = page("subscription", "old", service=service, closes_at=ended)
    personal = path_to(made, profile)
    for url in ("/p/old/", personal):
        for act in (browser().get, browser().post):
            answer = act(url)
            assert answer.status_code == 410
            assert "You can no longer subscribe here." in words(answer)
    assert history(profile) == []
    page(
        *("subscription", "gone"),
        service=service,
        closes_at=ended,
        closed_redirect="https://example.org/new",
    )
    answer = browser().get("/p/gone/?next=https://evil.example")
    assert (answer.status_code, answer["Location"]) == (302, "https://example.org/new")


@pytest.mark.parametrize("kind", ["denylist", "unsubscription", "preferences"])
def test_links_that_opt_out_outlive_the_page(profile: Profile, kind: str) -> None:
    made = page(
        kind,
        closes_at=timezone.now() - timedelta(days=1),
        closed_redirect="https://example.org/",
    )
    url = path_to(made, profile)
    assert browser().get(url).status_code == 200
    assert browser().post(url, {"act": "1"}).status_code == 200
    assert history(profile)
    assert browser().get(f"/p/{kind}/").status_code == 302


@pytest.mark.parametrize("kind", ["subscription", "acquisition"])
@pytest.mark.parametrize("end", [landing_pages.unpublish, landing_pages.delete])
def test_a_sign_up_page_that_was_taken_away_starts_nothing(
    profile: Profile, kind: str, end: Any
) -> None:
    service = news()
    made = page(kind, service=service if kind == "subscription" else None)
    url = path_to(made, profile, service_id=service.pk)
    end(made)
    answer = browser().post(url, {"act": "1", "services": [str(service.pk)]})
    assert answer.status_code == 410
    assert history(profile) == []


# ---------------------------------------------------------------- what operators write
ATTACKS = (
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/track.png)",
    "<style>body{display:none}</style>",
    '"><svg onload=alert(1)>',
    "<a href='data:text/html,x'>x</a>",
    "{{ texts }} {% debug %}",
    "<form action='https://evil.example'><input name=x></form>",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_operators_write_can_run(profile: Profile, attack: str) -> None:
    service = news()
    service.label = attack
    service.save()
    made = page("preferences", services=[service], needs_agreement=True)
    LandingPageText.objects.create(
        page=made,
        language="en",
        **dict.fromkeys(LandingPageText.FIELDS, attack[:60]),
    )
    landing_pages.publish(made)
    url = path_to(made, profile)
    for answer in (
        browser().get(url),
        browser().post(url, {"act": "1"}),
        browser().get("/p/preferences/"),
    ):
        text = answer.content.decode()
        for bad in (
            *("<script>", "<img", "<svg", "<style", 'src="https', 'action="https'),
            *('href="javascript', 'href="data:', "<form action='"),
        ):
            assert bad not in text


# ---------------------------------------------------------------- files
def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "#aa3311").save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_logo_is_served_as_what_it_is(profile: Profile, kind: str) -> None:
    asset = logos.store_logo(picture(kind))
    assert logos.store_logo(picture(kind)) == asset
    answer = browser().get(path_to(page("denylist", logo=asset), profile))
    path = f"/p/logo/{asset.pk}"
    assert path in answer.content.decode()
    served = browser().get(path)
    assert served["Content-Type"] == f"image/{kind.lower()}"
    assert served["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in served["Cache-Control"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + b"\0" * 50,
        picture("BMP"),
        picture()[:40],
        picture(size=(4001, 1)),
        picture() + b"\0" * 1_000_000,
    ],
    ids=["empty", "svg", "gif", "bmp", "cut", "too wide", "too large"],
)
def test_what_is_no_logo_is_refused(data: bytes) -> None:
    with pytest.raises(logos.InvalidLogo):
        logos.store_logo(data)


def test_nothing_but_the_picture_is_kept_of_a_file() -> None:
    asset = logos.store_logo(picture() + b"<script>alert(1)</script>")
    assert b"script" not in bytes(asset.data)


MASKED = [
    ("email", "Anna.Vos@Example.com", "A•••@E•••.com"),
    ("email", "a@b.nl", "a•••@b•••.nl"),
    ("email", "not an address", ""),
    ("email", "x@y. Anna Vos, Dorpsstraat 1", "x•••@y•••."),
    ("email", "anna@b.nl (Anna A. Vos)", "a•••@b•••."),
    ("email", "Anna Vos <a@b.nl>", "A•••@b•••.nl"),
    ("email", "a@b.xn--h2brj9c", "a•••@b•••.xn--h2brj9c"),
    ("email", "a@उदाहरण.भारत", "a•••@उ•••.भारत"),
    ("sms", "+31 6 1234 5678", "•••78"),
    ("sms", "12", ""),
    ("direct_mail", "Dorpsstraat 1, Ons Dorp", ""),
]


@pytest.mark.parametrize(("channel", "address", "shown"), MASKED)
def test_an_address_is_masked(channel: str, address: str, shown: str) -> None:
    assert masked(channel, address) == shown


def test_a_database_that_is_away_is_said_and_not_a_success(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("audiences.visits.opting_out.identified", away)
    answer = browser().post(one_click_path(profile))
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert "Something went wrong" in words(answer)


def test_a_huge_body_is_not_read(profile: Profile) -> None:
    made = page("preferences")
    huge = {"channels": "email", "x": "y" * 200_000}
    assert browser().post(path_to(made, profile), huge).status_code == 413
    assert history(profile) == []
    # Opting out needs none.
    assert browser().post(one_click_path(profile), huge).status_code == 200
    assert history(profile) == [("opt_out", "email")]


def test_an_error_is_logged_with_its_place_and_without_its_words():
    try:
        raise ValueError("Key (key)=(ann.smith@shop.example) already exists.")
    except ValueError:
        record = logging.LogRecord("x", 40, "f", 1, "Failed", (), sys.exc_info())
    line = log_masking.WithoutValues().format(record)
    assert "test_http.py" in line
    assert line.endswith("ValueError")
    assert "ann.smith@" not in line.splitlines()[-1]
