"""Operators see what visitors asked for: masked without right, one mail sent again."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as mails
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audiences import outbox
from audiences.models import OutboxMail, Profile, SignupRequest
from audiences.outbox.queue import waiting
from audiences.records import profiles
from tests.factories import ProfileFactory
from tests.pages.visitors import page

from .conftest import clerk

pytestmark = pytest.mark.django_db
ADDRESS = "ann.smith@shop.example"
MASKED = "a•••@s•••.example"
LIST = reverse("admin:audiences_outboxmail_changelist")
SIGNUPS = reverse("admin:audiences_signuprequest_changelist")
SEE, ACT = "view_outboxmail", "change_outboxmail"


@pytest.fixture
def profile() -> Profile:
    found: Profile = ProfileFactory(email=ADDRESS)
    return found


@pytest.fixture
def uncertain(profile: Profile) -> OutboxMail:
    page("denylist", slug="stop")
    return OutboxMail.objects.create(
        kind="link",
        found_by="email",
        to=ADDRESS,
        key=ADDRESS,
        language="en",
        context={"page": "stop", "kind": "denylist"},
        claimed_at=timezone.now(),
        attempts=1,
        result="uncertain",
    )


def signup(**facts: Any) -> SignupRequest:
    version = page("acquisition", slug=f"join-{SignupRequest.objects.count()}")
    assert version.live_version
    given: dict[str, Any] = {
        "email": ADDRESS,
        "key": ADDRESS,
        "expires_at": timezone.now() + timedelta(days=3),
    }
    return SignupRequest.objects.create(
        version=version.live_version, language="en", **(given | facts)
    )


def again(mail: OutboxMail) -> str:
    return reverse("admin:audiences_outboxmail_send_again", args=[mail.pk])


@pytest.mark.parametrize(
    ("rights", "seen", "unseen"),
    [
        ([SEE, "view_signuprequest"], MASKED, ADDRESS),
        ([SEE, "view_signuprequest", "see_addresses"], ADDRESS, MASKED),
    ],
)
def test_addresses_are_masked_without_the_right_to_see_them(
    rights: list[str], seen: str, unseen: str, uncertain: OutboxMail
) -> None:
    asked = signup()
    client = clerk("eva", *rights)
    one = reverse("admin:audiences_outboxmail_change", args=[uncertain.pk])
    other = reverse("admin:audiences_signuprequest_change", args=[asked.pk])
    for url in (LIST, one, SIGNUPS, other):
        text = client.get(url).content.decode()
        assert seen in text, url
        assert unseen not in text, url
    # A whole address is found all the same, and no other.
    for text, count in ((ADDRESS, 1), ("nobody@shop.example", 0)):
        found = client.get(LIST, {"q": text}).context["cl"]
        assert len(found.result_list) == count


def test_a_mail_of_which_nobody_knows_is_sent_again_once(
    uncertain: OutboxMail,
) -> None:
    client = clerk("eva", SEE, ACT)
    shown = client.get(again(uncertain)).content.decode()
    assert "twice" in shown
    assert not waiting().exists()  # looking changes nothing
    client.post(again(uncertain))
    assert outbox.send_waiting()["sent"] == 1
    assert [message.to for message in mails.outbox] == [[ADDRESS]]
    refused = client.post(again(uncertain), follow=True).content.decode()
    assert "Only a mail whose hand-over was interrupted" in refused
    assert not waiting().exists()


@pytest.mark.parametrize("rights", [[SEE], [ACT.replace("change", "add")], []])
def test_sending_again_needs_its_permission(
    rights: list[str], uncertain: OutboxMail
) -> None:
    client = clerk("eva", *rights)
    for method in (client.get, client.post):
        assert method(again(uncertain)).status_code == 403
    assert not waiting().exists()


@pytest.mark.parametrize("result", ["sent", "nobody", "denylisted", "refused", ""])
def test_no_other_mail_is_sent_again(
    result: str, uncertain: OutboxMail, admin_client: Client
) -> None:
    rows = OutboxMail.objects.filter(pk=uncertain.pk)
    rows.update(result=result)
    admin_client.post(again(uncertain))
    assert not waiting().exists()
    assert "yes, send it again" not in (
        admin_client.get(again(uncertain)).content.decode().lower()
    )


def test_a_mail_that_nobody_waits_for_any_more_is_not_sent_again(
    uncertain: OutboxMail, admin_client: Client
) -> None:
    uncertain.created_at = timezone.now() - timedelta(days=1)
    uncertain.save()
    answer = admin_client.post(again(uncertain), follow=True)
    assert "too old" in answer.content.decode()
    assert not waiting().exists()


def test_the_list_of_sign_ups_shows_the_open_ones_first(admin_client: Client) -> None:
    now = timezone.now()
    rows = {
        "": signup(),
        "expired": signup(expires_at=now - timedelta(minutes=1)),
        "confirmed": signup(email="", confirmed_at=now, profile_id=1),
    }
    for state, row in rows.items():
        shown = admin_client.get(SIGNUPS, {"state": state} if state else {})
        assert list(shown.context["cl"].result_list) == [row], state


def test_open_sign_ups_of_a_person_are_shown(
    profile: Profile, admin_client: Client
) -> None:
    mine = signup()
    signup(email="b@shop.example", key="b@shop.example")
    signup(email="", confirmed_at=timezone.now(), profile_id=profile.pk)
    signup(expires_at=timezone.now())
    asked = profiles.describe(profile)["signup_requests"]
    assert [(row["page"], row["address"]) for row in asked] == [
        (mine.version.name, ADDRESS)
    ]
    url = reverse("admin:audiences_profile_change", args=[profile.pk])
    text = admin_client.get(url).content.decode()
    assert "Sign-ups that wait to be confirmed" in text
    assert mine.version.name in text
