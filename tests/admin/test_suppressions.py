"""The officer looks addresses up, lifts and suppresses; nobody can read the list."""

import pytest
from django.test import Client
from django.urls import reverse

from audiences import suppression
from audiences.models import Suppression
from audiences.roles import Code
from audiences.suppression import Entry, Reason
from tests.people import person

from .test_roles import in_role

pytestmark = pytest.mark.django_db
NUMBER = "+31612345678"


@pytest.fixture
def officer() -> Client:
    return in_role(Code.PROTECTION_OFFICER, "olga")


def ask(client: Client, channel: str, address: str, **more: str) -> str:
    url = reverse("admin:audiences_suppression_look_up")
    given = {"channel": channel, "address": address, **more}
    return client.post(url, given, follow=True).content.decode()


def test_an_address_is_looked_up_and_lifted_with_a_note(officer: Client) -> None:
    holder = person(email="jan@x.example")
    suppression.suppress(
        [Entry("email", "jan@x.example", "any", Reason.BY_HAND)], note="by letter"
    )
    assert "is not suppressed" in ask(officer, "email", "els@x.example")
    shown = ask(officer, "email", " JAN@X.example ")
    assert "This address is suppressed" in shown
    assert "by letter" in shown
    for note, told in {
        "": "A note must say",
        "jan@x.example": "has the address",
    }.items():
        assert told in ask(officer, "email", "jan@x.example", act="lift", note=note)
        assert suppression.active().count() == 1
    done = ask(officer, "email", "jan@x.example", act="lift", note="signed letter")
    assert "It is lifted" in done
    row = Suppression.objects.get()
    assert (row.lifted_by, row.lift_actor, row.lift_note) == (
        "officer",
        "olga",
        "signed letter",
    )
    assert not holder.addresses.get().is_suppressed
    assert "not suppressed any more" in ask(
        officer, "email", "jan@x.example", act="lift", note="again"
    )


def test_a_number_is_suppressed_on_one_channel_or_on_every_one(officer: Client) -> None:
    holder = person(sms=NUMBER)
    assert "A note must say" in ask(officer, "sms", NUMBER, act="suppress")
    ask(officer, "sms", NUMBER, act="suppress", note="by letter", any="on")
    assert "This address is suppressed" in ask(officer, "fax", NUMBER)
    assert holder.addresses.get().is_suppressed
    page = officer.get(reverse("admin:audiences_suppression_changelist"))
    assert "Entered by hand" in page.content.decode()
    assert NUMBER not in page.content.decode()


def test_the_page_of_a_person_says_so(officer: Client) -> None:
    holder = person(email="jan@x.example")
    url = reverse("admin:audiences_profile_change", args=[holder.pk])
    mark = '<span class="mark bad">suppressed</span>'
    assert mark not in officer.get(url).content.decode()
    suppression.suppress([Entry("email", "jan@x.example", "email", Reason.BY_HAND)])
    assert mark in officer.get(url).content.decode()


def test_what_cannot_be_an_address_is_said_at_the_field(officer: Client) -> None:
    assert "more than one @" in ask(officer, "email", "a@b@c")
    assert "Select a valid choice" in ask(officer, "pigeon", "jan@x.example")
