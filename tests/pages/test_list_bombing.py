"""Sign-ups of other people's addresses: few mails, no profile, nothing left (S6).

BOMBS=10000 makes the attack as large as that; each victim is hit 100 times.
"""

import os
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audiences import outbox, privacy, subscriptions
from audiences.consent import Origin, Source
from audiences.models import (
    ConsentEvent,
    OutboxMail,
    Profile,
    RequestCount,
    Service,
    SignupRequest,
    Subscription,
)
from audiences.outbox import caps, queue as rows
from audiences.records.verification import verify_consent
from audiences.signups import requesting
from tests.factories import ProfileFactory

from .mailboxes import Mailboxes
from .test_double_opt_in import server  # noqa: F401  (a fixture)
from .visitors import browser, page

pytestmark = pytest.mark.django_db
BOMBS = int(os.environ.get("BOMBS", "60"))
VICTIMS = max(BOMBS // 100, 3)


@pytest.fixture
def service() -> Service:
    return Service.objects.create(
        slug="news", label="News", channel="email", double_opt_in=True
    )


def test_sign_ups_of_unknown_visitors_bomb_nobody(
    server: Mailboxes,  # noqa: F811
    service: Service,
    settings: Any,
) -> None:
    made = page("subscription", service=service, extra_fields=["first_name"])
    assert made.live_version
    known = ProfileFactory(email="victim0@shop.example")
    for number in range(BOMBS):
        requesting.request_signup(
            made.live_version,
            {
                "email": f"Victim{number % VICTIMS}@Shop.Example",
                "fields": {"first_name": "Buy at http://spam.example"},
            },
            language="en",
            network=f"198.{number // 256 % 256}.{number % 256}.0/24",
        )
    outbox.send_waiting()
    most = settings.CONFIRMATIONS_PER_SERVICE
    assert len(server.counts) == VICTIMS
    assert set(server.counts.values()) == {most}
    texts = " ".join(str(message) for _to, message in server.messages)
    assert "spam.example" not in texts
    for link in server.links():  # a scanner opens each of them
        assert browser().get("/" + link.split("/", 3)[3]).status_code == 200
    assert list(Profile.objects.all()) == [known]
    assert not Subscription.objects.exists()
    assert not ConsentEvent.objects.exists()
    later = timezone.now() + timedelta(days=8)
    assert requesting.clean_up(later) == VICTIMS * most
    rows.clean_up(later)
    caps.clean_up(later)
    for model in (SignupRequest, OutboxMail, RequestCount):
        assert not model.objects.exists()


def test_the_domain_bombs_nobody_whoever_calls_it(
    server: Mailboxes,  # noqa: F811
    service: Service,
    settings: Any,
) -> None:
    service.subscribed_message = service.unsubscribed_message = "default"
    service.save()
    people = [ProfileFactory(email=f"{n}@shop.example") for n in range(VICTIMS)]
    by_api = Origin(source=Source.API)
    for number in range(BOMBS):
        profile = people[number % VICTIMS]
        subscriptions.request(profile, service, by_api)
        if number % 2:
            subscriptions.unsubscribe(profile, service, by_api)
            subscriptions.subscribe(profile, service, by_api)
            subscriptions.unsubscribe(profile, service, by_api)
    outbox.send_waiting()
    most = settings.REQUESTS_PER_ADDRESS
    kinds = OutboxMail.objects.filter(kind="request")
    assert kinds.count() <= most * VICTIMS
    assert OutboxMail.objects.count() <= 2 * most * VICTIMS, (
        "notices have their own cap"
    )
    assert max(server.counts.values()) <= 2 * most
    assert not Subscription.objects.filter(status="active").exists()
    privacy.clean_up(timezone.now() + timedelta(days=8))
    assert verify_consent().is_consistent
