"""Every page and mail says who writes: the organisation, and no host."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.test import Client
from PIL import Image

from audiences import organisation, outbox, privacy
from audiences.landing_pages import logos
from audiences.models import Organisation, Profile
from audiences.outbox import letters
from audiences.pages import brand, rendering
from audiences.signups import mailing_links
from audiences.wording import markdown, page_texts
from audiences.wording.colours import contrast
from tests.factories import ProfileFactory

from .visitors import browser, one_click_path, page, path_to, words

pytestmark = pytest.mark.django_db
FACTS = {
    "name": "The Corner Shop",
    "postal_address": "Main Street 1\n1234 AB Delft",
    "contact": "help@shop.example",
    "privacy_url": "https://shop.example/privacy",
    "brand_colour": "#7a1f5c",
    "text_on_brand": "#ffffff",
    "background_colour": "#f6eef3",
}
HOST = "testserver"


@pytest.fixture
def shop() -> Organisation:
    return organisation.change(**FACTS)


@pytest.fixture
def person() -> Profile:
    return ProfileFactory(email="ann@home.example")


def _used(person: Profile) -> str:
    path = one_click_path(person)
    browser().post(path, {"act": "1"})
    return path


def _erased(person: Profile) -> str:
    path = one_click_path(person)
    privacy.erase(person)
    return path


PAGES: dict[str, Callable[[Profile], str]] = {
    "one click": one_click_path,
    "used": _used,
    "forged": lambda person: "/u/forged/",
    "forged of a page": lambda person: "/p/stop/forged/",
    "no such page": lambda person: "/p/nothing/",
    "nothing": lambda person: "/nothing/here",
    "erased": _erased,
    "choose": lambda p: one_click_path(p).replace("/u/", "/u/choose/"),
    "everything": lambda p: one_click_path(p).replace("/u/", "/u/everything/"),
    "why": lambda p: one_click_path(p).replace("/u/", "/u/why/"),
    "own data": lambda person: "/p/your-data/",
    "ledger": lambda person: "/ledger/",
    "confirm": lambda person: "/u/confirm/forged/",
    "a page": lambda person: path_to(page("denylist", "stop"), person),
}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_says_who_writes(
    shop: Organisation, person: Profile, name: str
) -> None:
    client = Client(raise_request_exception=False)
    response = client.get(PAGES[name](person))
    html = response.content.decode()
    assert FACTS["name"] in html.partition("</title>")[0]
    assert html.count(FACTS["name"]) >= 3  # the title, above the page, below it
    for fact in ("1234 AB Delft", "mailto:help@shop.example", FACTS["privacy_url"]):
        assert fact in html
    assert "7a1f5c-ffffff-f6eef3.css" in html
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_an_error_of_ours_says_who_writes_also_without_a_database(
    shop: Organisation, person: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser().get(one_click_path(person))

    def away(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr("audiences.pages.views.identified", away)
    monkeypatch.setattr("audiences.organisation.organisation", away)
    response = browser().get(one_click_path(person))
    assert response.status_code == 503
    assert FACTS["name"] in words(response)


def test_without_a_name_there_is_none_and_no_host_takes_its_place(
    person: Profile,
) -> None:
    html = browser().get(one_click_path(person)).content.decode()
    assert "<title>Unsubscribe</title>" in html
    assert "<footer" not in html
    assert outbox.site_name() == ""


def test_a_pages_own_brand_comes_over_it(shop: Organisation, person: Profile) -> None:
    made = page("denylist", "stop", brand_colour="#004400")
    html = browser().get(path_to(made, person)).content.decode()
    assert "004400-ffffff-f1f4f8.css" in html
    assert FACTS["name"] in html


def test_the_logo_stands_for_the_name(
    shop: Organisation, person: Profile, picture: bytes
) -> None:
    asset = logos.store_logo(picture)
    organisation.change(logo=asset)
    html = browser().get(one_click_path(person)).content.decode()
    assert f'src="/p/logo/{asset.pk}" alt="The Corner Shop"' in html


@pytest.fixture
def picture() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 10), "#7a1f5c").save(stream, "PNG")
    return stream.getvalue()


def test_the_languages_of_pages_that_nobody_made(
    shop: Organisation, person: Profile
) -> None:
    organisation.change(languages=["de", "en"])
    html = browser(**{"Accept-Language": "nl"}).get("/u/forged/").content.decode()
    assert '<html lang="de">' in html
    assert 'hreflang="nl"' not in html
    with pytest.raises(ValidationError):
        organisation.change(languages=["xx"])


def test_a_button_that_nobody_can_read_is_refused_with_a_colour_that_can() -> None:
    with pytest.raises(ValidationError, match=r"its contrast is 1\.0.*Choose #ffffff"):
        organisation.change(brand_colour="#7a1f5c", text_on_brand="#7a1f5c")


@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#7a1f5c", "#ffe000"])
def test_what_is_drawn_in_the_brands_colour_can_be_seen_by_day_and_night(
    colour: str,
) -> None:
    sheet = brand.stylesheet(f"{colour[1:]}-ffffff-f1f4f8")
    light, dark = (part.partition("--accent:")[2][:7] for part in sheet.split("@media"))
    assert contrast(light, brand.LIGHT_CARD) >= 3
    assert contrast(dark, brand.DARK_CARD) >= 3


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("help@shop.example", "mailto:help@shop.example"),
        ("+31 30 123 45 67", "tel:+31301234567"),
        ("https://shop.example/help", "https://shop.example/help"),
        ("javascript:alert(1)", ""),
        ("Ask Ann", ""),
    ],
)
def test_a_contact_is_a_link_where_it_can_be_one(contact: str, link: str) -> None:
    assert rendering.contact_link(contact) == link


# ---------------------------------------------------------------- mails
@pytest.mark.parametrize("language", [code for code, _n in page_texts.languages()])
def test_a_mail_has_a_button_a_sender_and_a_preheader(
    shop: Organisation, person: Profile, language: str
) -> None:
    mailing_links.request_link(
        "ann@home.example",
        page="preferences",
        kind="preferences",
        language=language,
        network="",
    )
    outbox.send_waiting()
    (sent,) = mail.outbox
    assert sent.from_email.startswith("The Corner Shop <")
    assert HOST not in sent.subject
    html = str(sent.alternatives[0][0])
    label = page_texts.text(language, "mails.link.button")
    assert f">{label}</a></p>" in html
    assert "background: #7a1f5c" in html
    assert 'name="color-scheme" content="light dark"' in html
    assert letters.preheader(str(sent.body)) in html
    assert "1234 AB Delft" in html
    assert "1234 AB Delft" in sent.body


def test_a_button_is_an_address_that_stands_alone_and_several_have_numbers() -> None:
    one = markdown.to_html("Look:\n\n<https://x.example/a?b=1&c=2>\n\nBye")
    made = letters.with_buttons(one, "Open & read")
    assert (
        'class="button"><a href="https://x.example/a?b=1&amp;c=2">Open &amp; read<'
        in made
    )
    assert letters.with_buttons(one, "") == one
    two = markdown.to_html("<https://x.example/1>\n\n<https://x.example/2>")
    assert "Open (2)" in letters.with_buttons(two, "Open")
    within = markdown.to_html("See <https://x.example/1> now")
    assert letters.with_buttons(within, "Open") == within
