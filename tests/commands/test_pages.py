"""`create_page` and `make_link`: pages and personal links from the shell."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from audiences import landing_pages, links
from audiences.models import LandingPage, Profile
from delivery import deliveries
from tests.factories import ProfileFactory, ServiceFactory
from tests.pages.visitors import browser, flags, subscriptions_of, words


@pytest.fixture
def profile(db: None) -> Profile:
    made: Profile = ProfileFactory(email="a@example.com", external_id="x1")
    return made


KINDS = [
    ("acquisition", []),
    ("acquisition", ["--service=news"]),
    ("subscription", ["--service=news"]),
    ("unsubscription", []),
    ("unsubscription", ["--service=news"]),
    ("denylist", []),
    ("preferences", []),
]


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_page_works_as_it_is_made(
    run: Any, profile: Profile, kind: str, options: list[str]
) -> None:
    ServiceFactory(slug="news", label="News")
    made = run("create_page", "mine", f"--kind={kind}", *options, "--publish")
    assert (made.code, made.out.strip()) == (0, "http://127.0.0.1:8000/p/mine/")
    link = run("make_link", "x1", "mine")
    assert (link.code, link.err) == (0, "")
    for url in (made.out, link.out):
        assert browser().get(urlsplit(url.strip()).path).status_code == 200
    answer = browser().post(urlsplit(link.out.strip()).path, {"act": "1"})
    assert answer.status_code == 200


def test_a_page_is_a_draft_until_it_is_published(run: Any, profile: Profile) -> None:
    made = run("create_page", "mine", "--kind=denylist", "--label=Our stop")
    assert made.code == 0
    assert "draft" in made.err
    page = LandingPage.objects.get()
    assert (page.label, page.status) == ("Our stop", "draft")
    link = run("make_link", "x1", "mine")
    assert link.code == 0
    assert "not published" in link.err
    landing_pages.publish(page)
    assert run("make_link", "x1", "mine").err == ""


WRONG = [
    (["create_page", "a", "--kind=subscription"], 2, "needs --service"),
    (["create_page", "a", "--kind=denylist", "--service=news"], 2, "takes no"),
    (["create_page", "a", "--kind=preferences", "--service=no"], 1, "no service"),
    (["create_page", "brand", "--kind=denylist"], 1, "taken by the site"),
    (["create_page", "a b", "--kind=denylist"], 1, "slug"),
    (["create_page", "there", "--kind=denylist"], 1, "already exists"),
    (["make_link", "x1"], 2, "either PAGE or --one-click"),
    (["make_link", "x1", "there", "--one-click"], 2, "either PAGE or --one-click"),
    (["make_link", "x9", "there"], 1, "No profile"),
    (["make_link", "x1", "nowhere"], 1, "There are: there."),
    (["make_link", "x1", "--one-click", "--delivery=9"], 1, "No delivery"),
    (["make_link", "x1", "--one-click", "--service=no"], 1, "no service"),
]


@pytest.mark.parametrize(("call", "code", "said"), WRONG)
def test_what_cannot_be_is_refused(
    run: Any, profile: Profile, call: list[str], code: int, said: str
) -> None:
    ServiceFactory(slug="news")
    landing_pages.create("there", kind="denylist")
    done = run(*call)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


@pytest.mark.parametrize(
    ("options", "flags_after", "subscribed"),
    [
        ([], {"email"}, {"news"}),
        (["--service=news"], set(), set()),
        (["--delivery=Weekly"], set(), set()),
        (["--delivery=Sale"], {"sms"}, {"news"}),
    ],
)
def test_a_one_click_link_does_what_the_message_was_about(
    run: Any,
    profile: Profile,
    options: list[str],
    flags_after: set[str],
    subscribed: set[str],
) -> None:
    service = ServiceFactory(slug="news", label="News")
    run("subscribe", "x1", "news")
    deliveries.create("Weekly", channel="email", service=service)
    deliveries.create("Sale", channel="sms")
    url = run("make_link", "x1", "--one-click", *options).out.strip()
    assert url.startswith("http://127.0.0.1:8000/u/")
    answer = browser().post(urlsplit(url).path, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert (flags(profile), subscriptions_of(profile)) == (flags_after, subscribed)


def test_a_link_outlives_its_delivery(run: Any, profile: Profile) -> None:
    delivery = deliveries.create("Weekly", channel="sms")
    url = run("make_link", "x1", "--one-click", "--delivery=Weekly").out.strip()
    token = urlsplit(url).path.split("/")[2]
    assert links.read_opt_out_token(token).delivery_id == delivery.pk
    delivery.delete()
    assert "text messages" in words(browser().post(urlsplit(url).path))
    assert flags(profile) == {"sms"}


def test_links_begin_with_the_address_of_the_site(
    run: Any, profile: Profile, settings: Any
) -> None:
    settings.BASE_URL = "https://news.example.org/post"
    url = run("make_link", "x1", "--one-click").out.strip()
    assert url.startswith("https://news.example.org/post/u/")
