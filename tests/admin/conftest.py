"""People and a prepared delivery for the tests of the admin, made by the writers."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from audiences import (
    addresses,
    consent,
    landing_pages,
    membership,
    organisation,
    subscriptions,
    suppression,
    wishes,
)
from audiences.channels import FLAGS, Channel
from audiences.consent import Origin, Source
from audiences.models import LandingPage, OutboxMail, Profile, Service, SignupRequest
from audiences.privacy import many, requests, retention
from audiences.suppression import Entry, Reason
from delivery import analysis, deliveries, quarantine
from delivery.feedback import intake, return_path
from delivery.feedback.events import EventKind, FeedbackEvent, MessageClue
from delivery.feedback.intake import Findings
from delivery.hooks import gate
from delivery.hooks.gate import Outcome
from delivery.models import (
    Delivery,
    InboundItem,
    Message,
    QuarantineEntry,
    Seed,
    Sender,
)
from delivery.sending import handover


def person(number: int, **addresses_of: str) -> Profile:
    profile = Profile.objects.create(
        external_id=f"P{number}",
        first_name="Anna",
        last_name="Vos" if number == 1 else "de Boer",
    )
    for channel, address in addresses_of.items():
        addresses.attach(profile, channel, address)
    return profile


def clerk(name: str, *codes: str) -> Client:
    """A browser of a staff user who has these permissions alone."""
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client = Client()
    client.force_login(user)
    return client


def page_values(profile: Profile, **changed: str) -> dict[str, str]:
    """What the browser posts: the values that the page showed, and the changes.

    An empty text unticks a box.
    """
    shown: dict[str, str] = {}
    for name in ("first_name", "last_name", "external_id", "language", "country"):
        shown[name] = shown[f"initial-{name}"] = getattr(profile, name) or ""
    shown["message_limit"] = shown["initial-message_limit"] = ""
    for flag in FLAGS.values():
        shown[f"initial-{flag}"] = str(getattr(profile, flag))
        if getattr(profile, flag):
            shown[flag] = "on"
    posted = {**shown, "note": "", **changed}
    unticked = [f for f in FLAGS.values() if not posted.get(f)]
    return {name: v for name, v in posted.items() if name not in unticked}


@dataclass
class World:
    """Seven people; deliveries prepared, sent and not yet prepared; a landing page."""

    people: list[Profile]
    service: Service
    entry: QuarantineEntry
    prepared: Delivery
    sent: Delivery
    draft: Delivery
    page: LandingPage


def came_back(delivery: Delivery) -> InboundItem:
    """A mail that was delayed, and one that proves nothing and waits."""
    message = delivery.messages.get()
    # It can be proved by its number, so address and period are not enough.
    Message.objects.filter(pk=message.pk).update(provider_id="p-1")
    told = [
        FeedbackEvent(
            kind=EventKind.DELAYED,
            channel=Channel.EMAIL,
            address="anna.vos@example.com",
            source="mail",
            clue=MessageClue(return_paths=paths),
        )
        for paths in (
            (f"b+{return_path.token(message.delivery_id, message.profile_id)}@x",),
            (),
        )
    ]
    for event in told:
        number = f"item {delivery.pk} {event.clue.return_paths}"
        item, _is_new = intake.receive("test", number.encode())
        intake.settle(item, Findings(events=(event,)))
    return item


@pytest.fixture(scope="module")
def _world_of_the_file(what_a_file_shares: None) -> World:
    return make_world()


@pytest.fixture
def world(_world_of_the_file: World, db: None) -> World:
    return deepcopy(_world_of_the_file)


def make_world() -> World:
    """Made anew, for whoever is not to have what the file shares."""
    people = [
        person(1, email="Anna.Vos@Example.com", sms="+31612345678"),
        person(2, email="twin@example.com"),
        person(3, email="twin@example.com"),
        person(4, email="bounced@example.com"),
        person(5, email="free@example.com"),
        person(6),
    ]
    formula = person(7, email="plus@example.com")
    Profile.objects.filter(pk=formula.pk).update(external_id="=1+1")
    people.append(Profile.objects.get(pk=formula.pk))
    origin = Origin(source=Source.OPERATOR, actor="eva", note="by phone")
    service = subscriptions.create_service("news", label="News", channel="email")
    subscriptions.subscribe(people[0], service, origin)
    consent.opt_out(people[1], "email", origin)
    quarantine.record(
        "email", "bounced@example.com", type="hard", source="test", text="550"
    )
    quarantine.set_status("email", "listed@example.com", "denylisted", source="test")
    entry = quarantine.entry_of("email", "bounced@example.com")
    assert entry
    sent = deliveries.create(
        "Sent", channel="email", audience=lambda: membership.subscribers(service)
    )
    analysis.analyse(sent)
    handover.record_handover(sent, sent.created_at)
    came_back(sent)
    gate.count("twilio", Outcome.WRONG_SIGNATURE)
    prepared = deliveries.create("Prepared", channel="email")
    analysis.analyse(prepared)
    draft = deliveries.create("Draft", channel="sms")
    page = landing_pages.create("stop", kind="denylist")
    version = landing_pages.publish(page).version
    SignupRequest.objects.create(
        version=version,
        email="anna.vos@example.com",
        key="anna.vos@example.com",
        language="en",
        expires_at=timezone.now() + timedelta(days=7),
    )
    OutboxMail.objects.create(
        kind="link",
        found_by="email",
        to="Anna.Vos@example.com",
        key="anna.vos@example.com",
        language="en",
    )
    requests.record(people[0], "access", "all of it", actor="eva")
    many.ask([0], actor="eva", note="asked by letter")
    retention.set_rule("inactive", 600, actor="eva")
    gone = Entry("email", "gone@example.com", "any", Reason.BY_HAND)
    suppression.suppress([gone], actor="eva", note="by letter")
    wishes.express(people[5], "any", origin, per_month=1)
    organisation.change(name="The Shop")
    Sender.objects.create(name="Shop", address="news@shop.example")
    Seed.objects.create(name="Desk", address="desk@shop.example")
    people = [Profile.objects.get(pk=p.pk) for p in people]
    return World(people, service, entry, prepared, sent, draft, page)
