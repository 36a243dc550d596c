"""A form that is older than what is true saves what was touched in it, and no more."""

import re
from html import unescape
from typing import Any

import pytest

from audiences import addresses, consent, fields, subscriptions
from audiences.models import Profile
from audiences.wording import page_texts
from tests.factories import BY_COMMAND, ProfileFactory

from .visitors import browser, flags, news, page, path_to, subscriptions_of, words

pytestmark = pytest.mark.django_db


def hidden(answer: Any) -> dict[str, str]:
    """What a form keeps of how it was made."""
    found = re.findall(
        r'name="(shown|said|wish_shown)"[^>]*value="([^"]*)"', answer.content.decode()
    )
    return {name: unescape(value) for name, value in found}


@pytest.fixture
def person() -> Profile:
    made: Profile = ProfileFactory(email="ann@home.example", first_name="Anna")
    addresses.attach(made, "sms", "+31612345678")
    return made


# Opted out before the form was made; what happens then, in order; what the form ticks;
# opted out in the end, and the channels that are said to have been changed elsewhere.
TABS = [
    ("sms", "in sms", "email", "", "Text messages (SMS)"),
    ("", "out sms", "email sms", "sms", "Text messages (SMS)"),
    ("", "out sms", "sms", "email sms", "Text messages (SMS)"),
    ("email", "in email, out email", "email sms", "email", "Email"),
    ("email", "", "email sms", "", ""),
    ("", "out any", "email", "any", "Email"),
    ("email", "in email", "email sms", "", ""),
    ("any", "in any, in email", "email", "", "Text messages (SMS)"),
    ("email sms", "out any", "email", "any email sms", "Email"),
]


@pytest.mark.parametrize(("before", "meanwhile", "ticks", "after", "kept"), TABS)
def test_an_older_form_undoes_nothing_that_was_done_elsewhere(
    person: Profile, before: str, meanwhile: str, ticks: str, after: str, kept: str
) -> None:
    for scope in before.split():
        consent.opt_out(person, scope, BY_COMMAND)
    url = path_to(page("preferences", channels=["email", "sms"]), person)
    form = hidden(browser().get(url))
    for act in filter(None, meanwhile.split(", ")):
        how, scope = act.split()
        (consent.opt_in if how == "in" else consent.opt_out)(person, scope, BY_COMMAND)
    answer = browser().post(url, {"act": "1", "channels": ticks.split()} | form)
    assert flags(person) == set(after.split())
    said = page_texts.text("en", "page.meanwhile", names=kept)
    assert (said in words(answer)) == bool(kept)


def test_services_and_details_of_a_newer_tab_stay(person: Profile) -> None:
    service, other = news(), news(slug="offers")
    town = fields.create_field("Town", "text", is_editable=True)
    asked = ["first_name", "last_name"]
    made = page("preferences", services=[service, other], extra_fields=asked)
    url = path_to(made, person)
    form = hidden(browser().get(url))
    was = {"first_name": "Anna", "last_name": "", "own_town": ""}
    newer = {"first_name": "Annie", "own_town": "Ede", "services": [service.pk]}
    data = {"act": "1", "channels": ["email", "sms"], **was}
    browser().post(url, data | form | newer)
    answer = browser().post(
        url, data | form | {"last_name": "Vos", "services": [other.pk]}
    )
    person.refresh_from_db()
    assert (person.first_name, person.last_name) == ("Annie", "Vos")
    assert fields.values_of([person.pk], [town]) == {person.pk: {"town": "Ede"}}
    assert subscriptions_of(person) == {"news", "offers"}
    assert "somewhere else: News." in words(answer)


def test_a_form_that_comes_back_keeps_what_it_knew(person: Profile) -> None:
    made = page("preferences", channels=["email", "sms"], extra_fields=["country"])
    url = path_to(made, person)
    form = hidden(browser().get(url))
    consent.opt_out(person, "sms", BY_COMMAND)
    data = {"act": "1", "channels": ["email", "sms"], "country": "Nederland"}
    back = browser().post(url, data | form)
    assert hidden(back) == form
    browser().post(url, data | hidden(back) | {"country": "nl"})
    assert flags(person) == {"sms"}


def test_what_a_form_cannot_have_known_is_believed_as_it_is(person: Profile) -> None:
    subscriptions.subscribe(person, news(), BY_COMMAND)
    url = path_to(page("preferences", channels=["email", "sms"]), person)
    for said in ("[1]", "{", '{"first_name": 3}'):
        form = {"act": "1", "shown": "email sms @x @", "said": said}
        answer = browser().post(url, form | {"channels": ["email", "sms"]})
        assert answer.status_code == 200
    assert (flags(person), subscriptions_of(person)) == (set(), {"news"})


def test_an_older_form_takes_away_the_address_that_it_showed_and_no_other(
    person: Profile,
) -> None:
    url = path_to(page("preferences", channels=["email", "sms"]), person)
    ticks = {"act": "1", "channels": ["email", "sms"], "remove_sms": "on"}
    form = hidden(browser().get(url))
    addresses.detach(person.addresses.get(channel="sms"))
    addresses.attach(person, "sms", "+31612345679")
    answer = browser().post(url, ticks | form)
    assert person.addresses.filter(channel="sms").count() == 1
    assert flags(person) == set()
    names = page_texts.text("en", "channels.sms")
    assert page_texts.text("en", "page.meanwhile", names=names) in words(answer)
    browser().post(url, ticks | hidden(browser().get(url)))
    assert not person.addresses.filter(channel="sms").exists()
    assert flags(person) == {"sms"}
