"""A mail in the browser: what its recipient got, and no way to more."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from audiences import links, privacy
from audiences.links import Link
from audiences.models import ConsentEvent, Profile
from audiences.wording import page_texts
from delivery.composing import (
    Composer,
    read_view_token,
    recipients,
    view_in_browser_url,
)
from delivery.models import Delivery, Sender
from tests.factories import ProfileFactory

from . import mails

pytestmark = pytest.mark.django_db
CONTENT = """<style>p { color: #123456 }</style><p>Hi {{ first_name|there }}</p>
<a href="{{ unsubscribe_link }}">stop</a> <a href="{{ preferences_link }}">choose</a>"""


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.BASE_URL = "https://news.example.org"


def sent() -> tuple[Delivery, Profile, str]:
    """A delivery, its reader, and the link in the mail, as a path."""
    made = mails.delivery(CONTENT)
    profile = ProfileFactory(first_name="Ann", email="ann@shop.example")
    [outgoing] = Composer(made).compose(recipients(made, [profile.pk]))
    html = mails.html_of(mails.strictly(outgoing))
    [link] = re.findall(r'href="https://news\.example\.org(/u/view/[^"]+)"', html)
    return made, profile, link


def test_the_link_in_a_mail_shows_the_mail(client: Client) -> None:
    _made, _profile, link = sent()
    for path in (link, link.rstrip("/")):
        answer = client.get(path)
        assert answer.status_code == 200
        assert '<p style="color: #123456;">Hi Ann</p>' in answer.content.decode()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "script-src" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert not answer.cookies


def test_what_is_shown_opens_nothing_more(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, profile, link = sent()
    signed_at = read_view_token(link.split("/")[3]).signed_at
    later = signed_at + timedelta(days=3).total_seconds()
    for module in (
        "django.core.signing.time.time",
        "delivery.composing.links.time.time",
    ):
        monkeypatch.setattr(module, lambda: later)
    html = client.get(link).content.decode()
    assert "/p/" not in html, "no link to a page that shows or edits"
    tokens = re.findall(r"/u/(?!view/)([^/\"]+)/", html)
    assert len(tokens) == 2
    for token in tokens:
        read = links.read_opt_out_token(token)
        assert (read.profile_id, read.delivery_id) == (profile.pk, made.pk)
        assert links.signing.signing.b62_decode(token.rsplit(".", 2)[1]) == signed_at


def test_no_request_changes_anything(client: Client) -> None:
    _made, _profile, link = sent()
    before = ConsentEvent.objects.count()
    for method in (client.get, client.head, client.post, client.options):
        method(link)
    assert ConsentEvent.objects.count() == before
    assert client.put(link).status_code == 405


def test_an_old_link_says_nothing_of_the_person(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _made, _profile, link = sent()
    settings.EDIT_LINK_DAYS = -1
    html = client.get(link).content.decode()
    assert "Hi there</p>" in html
    assert "Ann" not in html


def test_what_is_gone_is_not_shown(client: Client) -> None:
    made, profile, link = sent()
    assert client.get(f"{link[:-3]}x/").status_code == 404
    other = links.one_click_url(Link(profile.pk)).rstrip("/").rpartition("/")[2]
    assert client.get(f"/u/view/{other}/").status_code == 404
    nobody = view_in_browser_url(Link(profile.pk, delivery_id=made.pk + 1))
    assert (
        client.get(nobody.removeprefix("https://news.example.org")).status_code == 404
    )
    privacy.erase(profile)
    gone = client.get(link)
    assert gone.status_code == 200
    html = gone.content.decode()
    assert page_texts.text("en", "gone.text") in unescape(html)
    assert ("<h1>" in html, "<main" in html) == (True, True)


def test_a_mail_is_shown_when_its_sender_is_switched_off(client: Client) -> None:
    made, _profile, link = sent()
    made.sender = Sender.objects.create(
        name="S", address="a@b.example", is_active=False
    )
    made.save()
    assert client.get(link).status_code == 200
    Delivery.objects.update(content="{{ nothing }}")
    assert client.get(link).status_code == 404
