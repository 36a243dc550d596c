"""The template language: a fixed set of places, errors when saving, nothing runs."""

import re

import pytest

from audiences.models import Profile, Service
from audiences.subscriptions import messages
from audiences.wording import placeholders as places
from audiences.wording.markdown import to_html, to_text

FIELDS = ("service.label", "link")

WRONG = [
    ("{{ profile.password }}", "There is no {{ profile.password }}"),
    ("{{ service.__class__ }}", "There is no {{ service.__class__ }}"),
    ("{{ service.label|safe }}", "There is no {{ service.label|safe }}"),
    ("{{ }}", "There is no {{  }}"),
    ("{{ link", "one of them is missing"),
    ("link }}", "one of them is missing"),
    ("{{{ link }}}", "There is no {{ { link }}"),
    ("{% include 'x' %}", "means nothing here"),
    ("a\0b", "NUL"),
    ("a" * 20_001, "longer than"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=range(len(WRONG)))
def test_a_mistake_is_named_when_the_text_is_saved(text: str, said: str) -> None:
    assert said in " ".join(places.problems(text, FIELDS))


@pytest.mark.parametrize(
    "text", ["", "Hello", "{{link}} {{ service.label }}", "{ link }", "100 % {ok}"]
)
def test_what_can_be_filled_has_no_problem(text: str) -> None:
    assert places.problems(text, FIELDS) == []


NASTY = [
    "*a*",
    "[x](http://y.z)",
    "<script>",
    "# a",
    "a\n\nb",
    "`",
    "\\",
    "1. a",
    "&lt;",
]


@pytest.mark.parametrize("value", NASTY)
def test_what_a_place_holds_is_text_in_both_forms(value: str) -> None:
    filled = places.fill_markdown("Hi {{ a }}!", {"a": value})
    as_line = " ".join(value.split())
    assert to_text(filled) == f"Hi {as_line}!\n"
    html = to_html(filled)
    assert html.count("<") == 2, "one paragraph and nothing else"


@pytest.mark.parametrize(
    ("text", "html", "plain"),
    [
        ("{{ a }}", '<a href="http://x.y/_z_"', "<http://x.y/_z_>"),
        ("[Go]({{ a }})", '<a href="http://x.y/_z_"', "Go: <http://x.y/_z_>"),
    ],
)
def test_an_address_becomes_a_link(text: str, html: str, plain: str) -> None:
    filled = places.fill_markdown(text, {"a": "http://x.y/_z_"})
    assert html in to_html(filled)
    assert to_text(filled).strip() == plain


NAMES = [
    "https://evil.example",
    "HTTP://EVIL.EXAMPLE/a?b=c",
    "www.evil.example",
    "evil.example",
    "Win a prize at evil.example/now",
    "mail me@evil.example",
    "[x](http://evil.example)",
    "<http://evil.example>",
    "evil.example http://evil.example",
]
# What mail programs make a link of.
LINKED = re.compile(r"://\w|\w[.@]\w")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_an_address_does_not_become_a_link(name: str) -> None:
    values = {"profile.first_name": name}
    filled = places.fill_markdown("Hi {{ profile.first_name }}!", values)
    sms = places.fill_text("Hi {{ profile.first_name }}!", values)
    assert "<a" not in to_html(filled)
    for text in (to_html(filled), to_text(filled), sms):
        assert not LINKED.search(text)
        assert "evil" in text.lower(), "it can still be read"


@pytest.mark.parametrize("name", ["Anne-Marie", "J. R. Smith", "d'Arc", "Renée", "李"])
def test_a_name_that_is_none_stays_as_it_is(name: str) -> None:
    assert places.without_addresses(name) == name


@pytest.mark.django_db  # who sends is asked
@pytest.mark.parametrize("way", Service.WAYS)
@pytest.mark.parametrize("code", ["de", "en", "nl"])
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_every_built_in_text_can_be_filled(way: str, code: str, channel: str) -> None:
    for text in messages.built_in(way, code, channel):
        assert places.problems(text, messages.FIELDS[way]) == []
    service = Service(pk=1, slug="news", label="News", channel=channel)
    service.subscribed_message = service.unsubscribed_message = "default"
    said = messages.words(way, Profile(pk=1), service, code)
    assert "{{" not in said.subject + said.text
    assert bool(said.headers) == (channel == "email")
    if way != "unsubscribed":
        assert "/u/" in said.text, "a link that stops it"


def test_the_names_of_a_profile_are_not_in_the_message_that_asks() -> None:
    assert messages.problems("request", "{{ profile.first_name }}{{ link }}")
    assert messages.problems("request", "Hello")
    assert messages.problems("subscribed", "a\nb", is_subject=True)
