"""What a delivery says: places, fallbacks, languages, frame, HTML and text."""

import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from audiences import fields, organisation
from audiences.links.web_addresses import read_page_token, went_to
from audiences.models import LandingPage
from audiences.refusals import Refused
from delivery import deliveries
from delivery.composing import Composer, recipients
from delivery.models import ContentVariant
from tests import people
from tests.factories import ProfileFactory

from . import mails
from .mails import composed, html_of, person, strictly, text_of

pytestmark = pytest.mark.django_db
STOP = "https://news.example.org/u/W"
ANN = person(first_name="Ann & <b>Co</b>", last_name='"O\'Neil"', external_id="a b&c/é")


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.BASE_URL = "https://news.example.org"


# ---------------------------------------------------------------- places
HTML = """<p title="{{ last_name }}">Hi {{ first_name|there }}</p>
<a href="https://shop.example/?id={{ external_id }}&amp;x=1">shop</a>
<a href="{{ unsubscribe_link }}">stop</a><img src="https://x.example/a.png" alt="{{ first_name }}">"""


def test_a_value_is_text_wherever_it_stands() -> None:
    made = mails.delivery(HTML, "Hi {{ first_name }}")
    read = strictly(composed(made, ANN))
    html = html_of(read)
    assert "Hi Ann &amp; &lt;b&gt;Co&lt;/b&gt;</p>" in html
    assert 'title="&quot;O&#x27;Neil&quot;"' in html
    assert 'href="https://shop.example/?id=a%20b%26c%2F%C3%A9&amp;x=1"' in html
    assert 'alt="Ann &amp; &lt;b&gt;Co&lt;/b&gt;"' in html
    assert "Hi Ann & <b>Co</b>\n" in text_of(read)
    assert "shop: <https://shop.example/?id=a%20b%26c%2F%C3%A9&x=1>" in text_of(read)
    assert str(read["subject"]) == "Hi Ann & <b>Co</b>"


MARKDOWN = """# Hi {{ first_name|there }}

*News* at <https://shop.example/?id={{ external_id }}>.
[Stop]({{ unsubscribe_link }}) or {{ preferences_link }}.
"""


def test_markdown_is_both_forms() -> None:
    read = strictly(composed(mails.delivery(MARKDOWN), ANN))
    html, text = html_of(read), text_of(read)
    assert "Hi Ann &amp; &lt;b&gt;Co&lt;/b&gt;</h2>" in html
    assert "<em>News</em>" in html
    assert 'href="https://shop.example/?id=a%20b%26c%2F%C3%A9"' in html
    assert '<a href="https://news.example.org/u/' in html
    assert html.count("https://news.example.org/p/preferences/") == 2, "link and words"
    assert text.startswith("Hi Ann & <b>Co</b>\n")
    assert "Stop: <https://news.example.org/u/" in text


@pytest.mark.parametrize(
    "value", ["*x*", "[a](b)", "# x", "`", "{{ last_name }}", "1. a"]
)
def test_no_value_is_markdown_or_a_place(value: str) -> None:
    to = person(first_name=value, last_name="No")
    read = strictly(composed(mails.delivery("Hi {{ first_name }}!"), to))
    assert text_of(read).startswith(f"Hi {value}!\n")
    assert f"<p>Hi {value}!</p>" in html_of(read).replace('<p style="">', "<p>")


FALLBACKS = [
    ("{{ first_name|there }}", "Ann", "Ann"),
    ("{{ first_name|there }}", "", "there"),
    ("{{first_name|  dear   reader }}", "", "dear reader"),
    ("{{ first_name }}", "", ""),
    ("{{ first_name| }}", "", ""),
    ("{{ first_name|a b }}", "", "a b"),
    ("{{ first_name|<b> & é }}", "", "<b> & é"),
]


@pytest.mark.parametrize(("place", "name", "said"), FALLBACKS)
def test_a_field_that_is_empty_has_a_fallback(place: str, name: str, said: str) -> None:
    made = mails.delivery(f"Hi -{place}- you", f"Hi -{place}-")
    read = strictly(composed(made, person(first_name=name)))
    assert f"Hi -{said}- you" in text_of(read)
    assert str(read["subject"]) == f"Hi -{said}-"


UNFIT = [
    ("{{ name }}", "{{ name }} is not a field"),
    ("{{ first_name", "one is missing"),
    ("first_name }}", "one is missing"),
    ("{{ {{ first_name }} }}", "one is missing"),
    ("{% if x %}", "means nothing"),
    ("{{ unsubscribe_link|x }}", "takes no fallback"),
    ("", "the content is empty"),
    ("<p style='color: {{ country }}'>x</p>", "attribute style"),
    ("<style>p { color: {{ country }} }</style><p>x</p>", "style of a message"),
]


@pytest.mark.parametrize(("content", "said"), UNFIT)
def test_what_cannot_be_filled_is_refused(content: str, said: str) -> None:
    with pytest.raises(Refused, match=re.escape(said)):
        Composer(mails.delivery(content))


@pytest.mark.parametrize("where", ["subject", "preheader"])
def test_subject_and_preheader_have_the_same_places(where: str) -> None:
    made = mails.delivery("Hi", **{where: "{{ first_name }}"})
    composed(made)
    setattr(made, where, "{{ shoe_size }}")
    with pytest.raises(Refused, match="shoe_size"):
        Composer(made)


def test_a_mail_needs_a_subject_and_an_sms_none() -> None:
    with pytest.raises(Refused, match="subject is empty"):
        Composer(mails.delivery("Hi", " "))
    Composer(mails.delivery("Hi", "", channel="sms"))


@pytest.mark.parametrize("channel", ["direct_mail", "phone", "fax"])
def test_a_channel_without_messages_is_refused(channel: str) -> None:
    with pytest.raises(Refused, match="as a file"):
        Composer(mails.delivery(channel=channel))


# ---------------------------------------------------------------- HTML
def test_nothing_in_a_mail_runs() -> None:
    content = """<p onclick="x()">Hi<script>alert(1)</script><iframe src="https://x"></iframe>
    <a href="javascript:alert(1)">a</a><form action="https://x"><input name=a></form>
    <img src=x onerror=alert(1)><svg onload=x></svg></p>"""
    html = html_of(strictly(composed(mails.delivery(content))))
    for bad in ("<script", "javascript:", "onclick", "<iframe", "onerror", "<form"):
        assert bad not in html


def test_style_stands_beside_each_element_and_what_cannot_stays() -> None:
    content = """<style>p { color: #123456 } @media (max-width: 600px) { p { color: red } }
    </style><p class="x">Hi</p>"""
    html = html_of(strictly(composed(mails.delivery(content))))
    assert '<p class="x" style="color: #123456;">Hi</p>' in html
    assert "@media (max-width: 600px)" in html


@pytest.mark.parametrize(("content", "dark"), [("Hi", True), ("<p>Hi</p>", False)])
def test_only_what_has_no_colours_of_its_own_turns_dark(
    content: str, dark: bool
) -> None:
    html = html_of(strictly(composed(mails.delivery(content))))
    assert ("prefers-color-scheme: dark" in html) == dark
    assert ('content="light dark"' in html) == dark


def test_a_whole_document_is_taken_into_the_frame() -> None:
    content = "<!doctype html><html><head><title>T</title><style>b{color:red}</style></head><body bgcolor='#eee'><b>Hi</b></body></html>"
    html = html_of(strictly(composed(mails.delivery(content, "News"))))
    assert html.count("<html") == html.count("<body") == html.count("<title>") == 1
    assert "<title>News</title>" in html
    assert '<b style="color: red;">Hi</b>' in html


TEXTS = [
    ("<h1>A</h1><p>b <b>c</b></p><p>d</p>", "A\n\nb c\n\nd\n"),
    ("<ul><li>a</li><li>b</li></ul>", "- a\n- b\n"),
    ("<ol><li>a<li>b</ol>", "1. a\n2. b\n"),
    ("<p>a<br>b</p>", "a\nb\n"),
    ('<a href="https://x.example">x</a>', "x: <https://x.example>\n"),
    ('<a href="https://x.example">https://x.example</a>', "https://x.example\n"),
    ('<img src="https://x.example/a" alt="A cat">', "A cat\n"),
    ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"),
    ("<p>a &amp; b&nbsp;c</p>", "a & b\xa0c\n"),
    ("<style>p{}</style><p>a</p><!-- no -->", "a\n"),
]


@pytest.mark.parametrize(("content", "text"), TEXTS)
def test_the_text_is_made_from_the_html(content: str, text: str) -> None:
    read = strictly(composed(mails.delivery(content)))
    assert text_of(read).partition("\n-- \n")[0] == text


# ---------------------------------------------------------------- the frame
def test_the_organisation_stands_below_each_mail() -> None:
    organisation.change(
        name="Shop & Sons",
        postal_address="Main Street 1\n1234 AB Delft",
        privacy_url="https://shop.example/privacy",
        contact="help@shop.example",
    )
    read = strictly(composed(mails.delivery()))
    assert "-- \nShop & Sons\nMain Street 1\n1234 AB Delft\n" in text_of(read)
    assert "Shop &amp; Sons<br>\nMain Street 1" in html_of(read)
    assert 'href="https://shop.example/privacy"' in html_of(read)


def test_the_host_of_the_site_is_nobodys_name(settings: Any) -> None:
    settings.DEFAULT_FROM_EMAIL = "Shop <news@example.org>"
    assert "-- \nShop\n" in text_of(strictly(composed(mails.delivery())))
    settings.DEFAULT_FROM_EMAIL = "news@example.org"
    read = strictly(composed(mails.delivery()))
    assert "news.example.org\n" not in text_of(read)
    organisation.change(name="The Shop")
    read = strictly(composed(mails.delivery()))
    assert read["from"].addresses[0].display_name == "The Shop"


def test_a_link_that_the_message_has_is_not_said_again() -> None:
    html = html_of(strictly(composed(mails.delivery("Hi"))))
    assert (
        html.count(STOP),
        html.count("/p/preferences/"),
        html.count("/u/view/"),
    ) == (*(1, 1, 1),)
    content = "{{ unsubscribe_link }} {{ preferences_link }} {{ view_link }}"
    html = html_of(strictly(composed(mails.delivery(content))))
    assert (
        html.count(STOP),
        html.count("/p/preferences/"),
        html.count("/u/view/"),
    ) == (*(2, 2, 2),)


def test_the_preheader_is_the_first_thing_in_the_body() -> None:
    made = mails.delivery("Hi", preheader="For {{ first_name|you }} <only>")
    html = html_of(strictly(composed(made, person(first_name="Ann"))))
    body = html.partition("<body")[2]
    assert body.index("For Ann &lt;only&gt;") < body.index("Hi</p>")


def test_a_service_has_its_own_page_to_unsubscribe() -> None:
    from audiences import landing_pages

    service = mails.service()
    page = landing_pages.create("stop", kind="unsubscription", service=service)
    made = mails.delivery("{{ unsubscribe_link }}", service=service)
    assert "/p/stop/" not in text_of(strictly(composed(made)))
    landing_pages.publish(page)
    service.unsubscription_page = page
    service.save()
    assert "/p/stop/" in text_of(strictly(composed(made)))
    preferences = landing_pages.create("choose", kind=LandingPage.Kind.PREFERENCES)
    landing_pages.publish(preferences)
    assert "/p/choose/" in html_of(strictly(composed(made)))


def test_a_link_to_a_page_may_start_messages_at_its_own_address() -> None:
    made = mails.delivery("{{ preferences_link }}")
    to = person("Ann@Shop.Example", "ann@shop.example")
    text = text_of(strictly(composed(made, to)))
    token = text.partition("/p/preferences/")[2].partition("/")[0]
    link = read_page_token(token, "preferences")
    assert link.is_fresh
    assert link.sent_on == "email"
    assert went_to(link.sent_to, "email", "ann@shop.example")
    assert not went_to(link.sent_to, "email", "bob@shop.example")


# ---------------------------------------------------------------- languages
LANGUAGES = [
    ("nl", "Hallo", "nl"),
    ("nl-BE", "Hallo", "nl"),
    ("fr", "Bonjour", "fr"),
    ("fr-CA", "Allô", "fr-CA"),
    ("de", "Hello", "en"),
    ("", "Hello", "en"),
    ("NL", "Hallo", "nl"),
]


@pytest.mark.parametrize(("language", "said", "lang"), LANGUAGES)
def test_everybody_reads_the_closest_language(
    language: str, said: str, lang: str
) -> None:
    made = mails.delivery("Hello", "Hello")
    for code, text in (("nl", "Hallo"), ("fr", "Bonjour"), ("fr-CA", "Allô")):
        ContentVariant.objects.create(
            delivery=made, language=code, subject=text, content=text
        )
    read = strictly(composed(made, person(language=language)))
    assert str(read["subject"]) == said
    assert text_of(read).startswith(said)
    assert f'<html lang="{lang}"' in html_of(read)
    unsubscribe = "Afmelden" if lang == "nl" else "Unsubscribe"
    assert f">{unsubscribe}</a>" in html_of(read)


def test_a_variant_is_checked_as_the_rest() -> None:
    made = mails.delivery("Hello", "Hello")
    variant = ContentVariant(delivery=made, language="nl", subject="x", content="")
    variant.save()
    with pytest.raises(Refused, match="in nl: the content is empty"):
        Composer(made)
    ContentVariant.objects.update(content="{{ naam }}")
    with pytest.raises(Refused, match=r"in nl: .*naam"):
        Composer(made)


def test_arabic_runs_from_right_to_left() -> None:
    made = mails.delivery("Hello")
    ContentVariant.objects.create(
        delivery=made, language="ar", subject="x", content="مرحبا"
    )
    html = html_of(strictly(composed(made, person(language="ar"))))
    assert '<html lang="ar" dir="rtl"' in html


# ---------------------------------------------------------------- other channels
def test_an_sms_is_text_and_its_segments_are_counted() -> None:
    made = mails.delivery("Hi {{ first_name }}! {{ unsubscribe_link }}", channel="sms")
    to = person("+31 6 12345670", "+31612345670", first_name="李")
    outgoing = composed(made, to)
    assert outgoing.address == "+31612345670"
    assert str(outgoing.body).startswith("Hi 李! https://news.example.org/u/")
    assert outgoing.message_id
    rendered = Composer(made).rendered(to)
    assert (rendered.encoding, rendered.segments) == ("UCS-2", 2)


def test_a_notification_has_a_title_a_text_and_a_link() -> None:
    content = (
        "Spring for {{ first_name|you }}\n\nhttps://shop.example/?c={{ external_id }}"
    )
    made = mails.delivery(content, "Hello {{ first_name|there }}", channel="push")
    outgoing = composed(made, person("Token", "Token", external_id="a b"))
    assert json.loads(str(outgoing.body)) == {
        "title": "Hello there",
        "text": "Spring for you",
        "link": "https://shop.example/?c=a%20b",
    }
    assert outgoing.address == "Token"


# ---------------------------------------------------------------- people
def test_recipients_come_in_their_order_with_one_statement(
    django_assert_num_queries: Any,
) -> None:
    people = [ProfileFactory(email=f"a{n}@x.example", language="nl") for n in range(5)]
    without = ProfileFactory(sms="+31612345670")
    ids = [person.pk for person in reversed(people)]
    made = mails.delivery()
    with django_assert_num_queries(1):
        found = recipients(made, [*ids, without.pk])
    assert [each.profile_id for each in found] == ids
    assert found[0].fields["first_name"] == people[-1].first_name
    assert (found[0].language, found[0].key) == ("nl", "a4@x.example")


def test_composing_asks_the_database_nothing(django_assert_num_queries: Any) -> None:
    composer = Composer(mails.delivery(service=mails.service()))
    with django_assert_num_queries(0):
        composer.compose([person(pk=pk) for pk in range(1, 50)])


def test_the_rendered_mail_is_the_one_that_leaves() -> None:
    made = mails.delivery(HTML, "Hi {{ first_name }}", preheader="{{ last_name }}")
    composer = Composer(made)
    [outgoing], shown = composer.compose([ANN]), composer.rendered(ANN)
    read = strictly(outgoing)
    assert (shown.subject, shown.text) == (str(read["subject"]), text_of(read))
    assert shown.html == html_of(read).rstrip("\n") or shown.html + "\n" == html_of(
        read
    )


# ------------------------------------------------------------------ own fields
def test_message_says_what_people_have_in_own_fields() -> None:
    size = fields.create_field("Shoe size", "number")
    since = fields.create_field("Member since", "date")
    one = people.person(language="nl", email="a@shop.example")
    two = people.person(language="en", email="b@shop.example")
    three = people.person(email="c@shop.example")
    vip = fields.create_field("VIP", "yes_no")
    fields.set_values(one, {size: Decimal("42.5"), since: date(2026, 5, 1)})
    fields.set_values(two, {vip: True})
    fields.set_values(three, {size: Decimal(1)})
    delivery = deliveries.create("Sizes", channel="sms")
    delivery.content = (
        "Size {{ shoe_size|unknown }}, {{ member_since|ever }} {{ vip|no }}"
    )
    delivery.channel = "email"
    delivery.subject = "{{ shoe_size|no size }}"
    composer = Composer(delivery)
    readers = recipients(delivery, [one.pk, two.pk, three.pk])
    first, second, third = map(composer.rendered, readers)
    assert first.subject == "42,5"
    assert "Size 42,5, 1 mei 2026 no" in first.text
    assert second.subject == "no size"
    assert "Size unknown, ever yes" in second.text
    # True equals 1 to Python, and to nobody else.
    assert "Size 1, ever no" in third.text
