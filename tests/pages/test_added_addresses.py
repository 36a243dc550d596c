"""An address that somebody adds among their preferences counts once it confirms it."""

import re

import pytest
from django.db import transaction
from django.test import Client

from audiences import addresses, consent, outbox, privacy, suppression
from audiences.masking import masked
from audiences.models import Address, ConsentEvent, OutboxMail, Profile
from audiences.outbox import Words
from audiences.privacy import requests
from audiences.signups import new_addresses
from audiences.suppression import Entry, Reason
from delivery import quarantine
from tests.factories import BY_COMMAND, ProfileFactory

from .visitors import (
    browser,
    flags,
    history,
    one_click_path,
    page,
    path_to,
    said,
    undo_of,
    words,
)

pytestmark = pytest.mark.django_db
MAIL, NUMBER = "ann@home.example", "+31612345678"


def preferences(**held: str) -> tuple[Profile, Client, str]:
    """Somebody with these addresses, at the preferences by a link sent to the first."""
    person = ProfileFactory(email=None)
    for channel, value in held.items():
        addresses.attach(person, channel, value, primary=True)
    slug = f"preferences-{person.pk}"
    made = page("preferences", slug, channels=["email", "sms", "phone"])
    return person, browser(), path_to(made, person, sent_on=next(iter(held)))


def link_of(mail: OutboxMail) -> str:
    """The path in the message, as the worker writes it."""
    message = new_addresses.write(mail)
    assert isinstance(message, Words)
    found = re.search(r"/u/address/[^\s>]+", message.text)
    assert found
    return found[0]


def values(person: Profile) -> list[tuple[str, str, bool]]:
    rows = Address.objects.filter(profile=person).order_by("channel")
    return [(row.channel, row.value, row.is_primary) for row in rows]


@pytest.mark.parametrize(
    ("has", "added", "given", "wrong"),
    [("email", "sms", NUMBER, "0612"), ("sms", "email", MAIL, "ann@")],
)
def test_nothing_counts_before_it_is_confirmed_there(
    has: str, added: str, given: str, wrong: str
) -> None:
    known = {"email": MAIL, "sms": NUMBER}[has]
    person, client, path = preferences(**{has: known})
    before = client.get(path).content.decode()
    assert f'name="add_{added}"' in before
    assert f'name="add_{has}"' not in before
    form = {"act": "1", "shown": has, "channels": has}
    refused = client.post(path, form | {f"add_{added}": wrong})
    assert said(f"unidentified.wrong_{added}") in words(refused)
    done = client.post(path, form | {f"add_{added}": given})
    messages = said(f"messages.{added}")
    assert said("asked.added", messages=messages, typed=given) in words(done)
    (mail,) = OutboxMail.objects.all()
    assert (mail.kind, mail.channel, mail.to) == ("address", added, given)
    assert (values(person), flags(person), history(person)) == (
        [(has, known, True)],
        set(),
        [],
    )

    link = link_of(mail)
    asks = client.get(link)
    assert said("confirm.title") in words(asks)
    assert given not in asks.content.decode()
    assert values(person) == [(has, known, True)]
    sure = client.post(link, {"act": "1"})
    assert said("state.gets", messages=messages) in words(sure)
    assert (added, given, True) in values(person)
    assert history(person) == [("opt_in", added)]
    proof = ConsentEvent.objects.get().evidence  # type: ignore[attr-defined]
    assert proof.note.startswith("Requested on ")
    # The note quotes the words; no wording that had others is named beside it.
    assert ConsentEvent.objects.get().wording_version == ""
    # The used link says what is true now, and does nothing.
    consent.opt_out(person, added, BY_COMMAND)
    for again in (client.get(link), client.post(link, {"act": "1"})):
        assert said("confirm.again") in words(again)
        assert said("state.gets_not", messages=messages) in words(again)
    assert flags(person) == {added}


def test_whoever_has_the_address_and_whatever_it_is_the_page_says_the_same() -> None:
    taken, suppressed, out, stopped = (f"{n}@shop.example" for n in "abcd")
    ProfileFactory(email=taken)
    suppression.suppress([Entry("email", suppressed, "any", Reason.ERASED)])
    consent.opt_out(ProfileFactory(email=out), "any", BY_COMMAND)
    quarantine.set_status("email", stopped, "denylisted", source="operator")
    answers = set()
    for number, given in enumerate([taken, suppressed, out, stopped, "e@shop.example"]):
        person, client, path = preferences(sms=f"+3161234567{number}")
        form = {"act": "1", "shown": "sms", "channels": "sms", "add_email": given}
        answers.add(words(client.post(path, form)).replace(given, "…"))
        assert OutboxMail.objects.get(context__profile=person.pk).to == given
    assert len({re.sub(r"\+31•+\d+", "…", answer) for answer in answers}) == 1


def test_who_stopped_everything_gets_that_channel_alone() -> None:
    person, client, path = preferences(email=MAIL)
    consent.opt_out(person, "any", BY_COMMAND)
    client.post(path, {"act": "1", "shown": "", "add_sms": NUMBER})
    assert flags(person) == {"any"}
    client.post(link_of(OutboxMail.objects.get()), {"act": "1"})
    assert flags(person) == {"email", "phone", "direct_mail", "push", "fax"}


def test_a_day_has_an_end(settings: object) -> None:
    settings.REQUESTS_PER_ADDRESS = 2  # type: ignore[attr-defined]
    _person, client, path = preferences(email=MAIL)
    form = {"act": "1", "shown": "email", "channels": "email"}
    for last in "1234":
        done = client.post(path, form | {"add_sms": f"+3161234567{last}"})
    assert OutboxMail.objects.count() == 2
    assert said("asked.enough", messages=said("messages.sms")) in words(done)
    # A double click asks once.
    client.post(path, form | {"add_sms": "+31612345671"})
    assert OutboxMail.objects.count() == 2


def test_a_link_that_proves_nothing_adds_nothing() -> None:
    person, client, _path = preferences(email=MAIL)
    weak = one_click_path(person).replace("/u/", "/u/choose/")
    assert "add_sms" not in client.get(weak).content.decode()
    client.post(weak, {"act": "1", "add_sms": NUMBER})
    assert not OutboxMail.objects.exists()


def test_what_was_never_confirmed_goes_with_the_person() -> None:
    person, client, path = preferences(email=MAIL)
    client.post(
        path, {"act": "1", "shown": "email", "channels": "email", "add_sms": NUMBER}
    )
    mail = OutboxMail.objects.get()
    link = link_of(mail)
    privacy.erase(person)
    assert not OutboxMail.objects.exists()
    # It may be somebody else's: nobody has said that it is the person's.
    assert not suppression.met([("sms", NUMBER)])
    assert suppression.met([("email", MAIL)])
    assert client.get(link).status_code == 404
    assert outbox.send_waiting() == {}


@pytest.mark.parametrize("scope", ["sms", "any"])
def test_who_stops_after_asking_is_not_brought_back_by_the_link(scope: str) -> None:
    person, _client, _path = preferences(email=MAIL)
    with transaction.atomic():
        locked = Profile.objects.select_for_update().get(pk=person.pk)
        new_addresses.ask(locked, "sms", NUMBER, language="en", network="n")
    link = link_of(OutboxMail.objects.get())
    consent.opt_out(person, scope, BY_COMMAND)
    before = history(person)
    for answer in (browser().get(link), browser().post(link)):
        assert answer.status_code == 404
    assert history(person) == before
    assert values(Profile.objects.get(pk=person.pk)) == [("email", MAIL, True)]


# ---------------------------------------------------------------- a wrong one goes
@pytest.mark.parametrize(("here", "wrong"), [("email", "sms"), ("sms", "email")])
def test_a_wrong_address_is_taken_away_and_the_right_one_is_confirmed(
    here: str, wrong: str
) -> None:
    person, client, path = preferences(**{here: {"email": MAIL, "sms": NUMBER}[here]})
    other = {"email": "anm@home.example", "sms": "+31612345679"}[wrong]
    addresses.attach(person, wrong, other, primary=True)
    stranger = ProfileFactory(email=None)
    addresses.attach(stranger, wrong, other, primary=True)
    shown = client.get(path).content.decode()
    assert f'name="remove_{wrong}"' in shown
    assert f'name="remove_{here}"' not in shown
    assert f'name="add_{wrong}"' not in shown
    form = {"act": "1", "channels": [here, wrong], "shown": f"{here} {wrong}"}
    done = client.post(path, form | {f"remove_{wrong}": "on"})
    address, messages = masked(wrong, other), said(f"messages.{wrong}")
    assert said("page.removed", address=address, messages=messages) in words(done)
    assert "somewhere else" not in words(done)
    # It restricts and cannot be undone; nobody else with the address is touched.
    assert undo_of(done) == ""
    assert [channel for channel, _value, _primary in values(person)] == [here]
    assert (flags(person), history(person)) == ({wrong}, [("opt_out", wrong)])
    proof = ConsentEvent.objects.get().evidence  # type: ignore[attr-defined]
    assert proof.note == f"Address removed: {address}"
    assert (flags(stranger), len(values(stranger))) == (set(), 1)

    right = {"email": MAIL, "sms": NUMBER}[wrong]
    assert f'name="add_{wrong}"' in client.get(path).content.decode()
    client.post(path, {"act": "1", "shown": "", f"add_{wrong}": right})
    client.post(link_of(OutboxMail.objects.get()), {"act": "1"})
    assert (wrong, right, True) in values(person)
    assert flags(person) == set()


def test_no_other_address_takes_the_place_of_one_that_is_taken_away() -> None:
    person, client, path = preferences(email=MAIL, sms=NUMBER)
    addresses.attach(person, "sms", "+31687654321")
    client.post(path, {"act": "1", "shown": "", "remove_sms": "on"})
    assert ("sms", "+31687654321", True) in values(person)
    assert flags(person) == {"sms"}


def test_restricted_data_stays_and_the_opt_out_counts() -> None:
    person, client, path = preferences(email=MAIL, sms=NUMBER)
    asked = requests.record(person, "restriction", actor="eva")
    requests.decide(asked, is_granted=True, actor="olga")
    before = values(person)
    done = client.post(path, {"act": "1", "shown": "", "remove_sms": "on"})
    assert (values(person), "sms" in flags(person)) == (before, True)
    assert "removed" not in words(done)


def test_a_link_that_proves_nothing_takes_nothing_away() -> None:
    person, client, _path = preferences(email=MAIL, sms=NUMBER)
    weak = one_click_path(person).replace("/u/", "/u/choose/")
    client.post(weak, {"act": "1", "shown": "", "remove_sms": "on"})
    assert len(values(person)) == 2
    assert flags(person) == set()
