"""What somebody writes is shown as it will be sent, whatever is wrong with it."""

import re

import pytest
from django.utils.html import escape

from delivery import deliveries
from delivery.composing import Composer, Variant, starters
from delivery.composing.starters import languages
from delivery.models import Delivery
from delivery.rules import controls
from tests.composing.mails import person

pytestmark = pytest.mark.django_db


def drawn(channel: str = "email", content: str = "", **facts: str):  # type: ignore[no-untyped-def]
    message = Delivery(channel=channel, label="x", purpose="marketing")
    draft = Variant("", facts.pop("subject", ""), "", content)
    return Composer(message, draft=draft).rendered(person(**facts))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("last_name", "O'Neill & <co>"),
        ("last_name|there", "O'Neill & <co>"),
        ("first_name|there", "there"),
        ("first_name | you  there ", "you there"),
        ("first_name", ""),
        ('first_name|default:"reader"', "reader"),
        ("first_name|default:'reader'", "reader"),
        ("nickname", "{{ nickname }}"),
        ("last_name|upper", "{{ last_name|upper }}"),
        ("last_name|pad:'9'", "{{ last_name|pad:'9' }}"),
        ("last_name|there|upper", "{{ last_name|there|upper }}"),
    ],
)
def test_what_is_empty_has_a_fallback_and_a_mistake_is_shown(
    place: str, expected: str
) -> None:
    text = f"{{{{ {place} }}}}"
    for content in (f"<p>{text}</p>", text):
        shown = drawn(content=content, subject=text, last_name="O'Neill & <co>")
        assert shown.subject.replace("\u2060", "") == expected
        html = shown.html.replace("\u2060", "").replace(' style=""', "")
        assert f">{escape(expected)}</p>" in html.replace("'", "&#x27;")


def test_its_links_change_nothing_and_nothing_marks_it() -> None:
    shown = drawn(content="[Stop]({{ unsubscribe_link }})", subject="Sale")
    assert shown.subject == "Sale"
    found = set(re.findall(r"https?://[^\s\"<>]+/[up]/[^\s\"<>]*", shown.html))
    assert {address.rpartition("/u/")[2].strip("0") for address in found} == {"test/"}


def test_an_sms_is_counted_as_it_is_read() -> None:
    shown = drawn("sms", "Hi {{ first_name }}", first_name="x" * 160)
    assert (shown.encoding, shown.segments) == ("GSM-7", 2)
    made = deliveries.create("x", channel="sms", content="Stop {{ unsubscribe_link }}")
    [sent] = Composer(made).compose([person("+31612345678", pk=7_654_321)])
    draft = Composer(made, draft=Variant("", "", "", made.content))
    assert len(draft.rendered(person(pk=7_654_321)).text) == len(str(sent.body))


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("channel", ["email", "sms", "push"])
def test_what_one_starts_from_can_be_sent_at_once(channel: str, language: str) -> None:
    found = starters.starters(channel, language)
    others = starters.starters(channel, "en")
    assert [each.code for each in found] == [each.code for each in others]
    for each in found:
        delivery = Delivery(
            label="x",
            channel=channel,
            purpose="marketing",
            subject=each.subject,
            preheader=each.preheader,
            content=each.content,
        )
        faults = {fault["code"] for fault in controls.inspect(delivery, [])}
        assert faults <= {"control:postal_address"}
        assert len(each.subject) < 60
        said = drawn(channel, each.content, subject=each.subject)
        assert said.segments <= 2


def test_a_paragraph_that_is_one_bold_link_is_a_button() -> None:
    link = "[Go](https://shop.example/)"
    assert 'class="campaign-button"' in drawn(content=f"Hi\n\n**{link}**\n").html
    assert 'class="campaign-button"' not in drawn(content=f"Hi **{link}**\n").html
