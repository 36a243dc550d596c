"""Which mails of ours go to an address, by its entry: the table of docs/quarantine.md."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from audiences import outbox, subscriptions, suppression
from audiences.channels import Channel
from audiences.consent import Origin, Source
from audiences.models import OutboxMail, Profile, RequestCount, Service
from audiences.signups import requesting
from audiences.signups.mailing_links import request_link
from audiences.suppression import Entry, Reason
from delivery import quarantine
from delivery.models import QuarantineAction
from tests.factories import BY_COMMAND, ProfileFactory

from .test_double_opt_in import Phone, phone
from .visitors import news, page

__all__ = ["phone"]
pytestmark = pytest.mark.django_db
ANN, NUMBER = "ann@shop.example", "+31612345678"
BY_PAGE = Origin(source=Source.LANDING_PAGE)
BY_API = Origin(source=Source.API)
CHANNELS = {"email": ANN, "sms": NUMBER}


# ------------------------------------------------------------------ states
def fails(type: str = "hard", reason: str = "user_unknown") -> None:
    for channel, address in CHANNELS.items():
        quarantine.record(channel, address, type=type, reason=reason, source="test")


def operator_sets(status: str, reason: str = "operator") -> None:
    for channel, address in CHANNELS.items():
        facts = {"reason": reason, "source": "operator"}
        quarantine.set_status(channel, address, status, **facts)


def is_listed(status: str, reason: str) -> None:
    quarantine.raise_statuses(
        [
            QuarantineAction(
                channel=channel,
                key=address,
                kind=QuarantineAction.Kind.RAISE,
                status=status,
                reason=reason,
                source="import",
            )
            for channel, address in CHANNELS.items()
        ]
    )


def is_held() -> None:
    for channel, address in CHANNELS.items():
        facts = {"at": timezone.now(), "source": "test", "text": "held"}
        quarantine.hold(channel, address, **facts)


def both(*acts: Callable[[], None]) -> Callable[[], None]:
    return lambda: [act() for act in acts] and None


def operator() -> None:
    operator_sets("quarantine")


def is_suppressed() -> None:
    suppression.suppress(
        Entry(channel, address, "any", Reason.ERASED)
        for channel, address in CHANNELS.items()
    )


FREE, ERRORS, DECIDED, DENIED = "free", "errors", "decided", "denied"
SUPPRESSED = "suppressed"
STATES: dict[str, tuple[Callable[[], None], str]] = {
    "no entry": (lambda: None, FREE),
    "erroneous": (lambda: fails("soft"), FREE),
    "erroneous by an operator": (lambda: operator_sets("erroneous"), FREE),
    "released": (both(fails, lambda: operator_sets("valid")), FREE),
    "a hard error": (fails, ERRORS),
    "a list of errors": (lambda: is_listed("quarantine", "user_unknown"), ERRORS),
    "an operator who was taken back": (
        both(operator, lambda: operator_sets("valid"), fails),
        ERRORS,
    ),
    "an operator": (operator, DECIDED),
    "an operator with a reason": (
        lambda: operator_sets("quarantine", "user_unknown"),
        DECIDED,
    ),
    "an operator, then an error": (both(operator, fails), DECIDED),
    "an error, then an operator": (both(fails, operator), DECIDED),
    "an operator, then a delivery": (
        both(operator, lambda: quarantine.delivered("email", ANN)),
        DECIDED,
    ),
    "a list of an operator": (lambda: is_listed("quarantine", "operator"), DECIDED),
    "a complaint": (lambda: fails("hard", "complaint"), DENIED),
    "a STOP": (lambda: fails("soft", "stop"), DENIED),
    "denied by an operator": (lambda: operator_sets("denylisted"), DENIED),
    "denied by a list": (lambda: is_listed("denylisted", "user_unknown"), DENIED),
    "held": (is_held, DENIED),
    "suppressed": (is_suppressed, SUPPRESSED),
    "suppressed, with errors": (both(fails, is_suppressed), SUPPRESSED),
}


# ------------------------------------------------------------------ mails
def service(**facts: Any) -> Service:
    made = news()
    for name, value in facts.items():
        setattr(made, name, value)
    made.save()
    return made


def request(ann: Profile, by: Origin, **facts: Any) -> None:
    subscriptions.request(ann, service(double_opt_in=True, **facts), by, language="en")


def asks_again_by_page(ann: Profile) -> None:
    """Somebody else began it; what counts is who asks now."""
    made = service(double_opt_in=True)
    subscriptions.request(ann, made, BY_COMMAND)
    OutboxMail.objects.all().delete()
    RequestCount.objects.all().delete()
    subscriptions.request(ann, made, BY_PAGE)


def signs_up(_ann: Profile) -> None:
    version = page("acquisition", channels=["email"]).live_version
    assert version is not None
    wish: Any = {"email": ANN, "channels": ["email"]}
    requesting.request_signup(version, wish, language="en", network="n")


def asks_for_a_link(_ann: Profile, given: str = ANN, by: str = "email") -> None:
    page("denylist", "stop")
    facts = {"page": "stop", "kind": "denylist", "language": "en"}
    request_link(given, network="n", found_by=by, **facts)


def subscribes(ann: Profile) -> None:
    made = service(subscribed_message="default")
    subscriptions.subscribe(ann, made, BY_PAGE)


def unsubscribes(ann: Profile) -> None:
    made = service(unsubscribed_message="default")
    subscriptions.subscribe(ann, made, BY_COMMAND)
    subscriptions.unsubscribe(ann, made, BY_PAGE)


# What is done, and whether the owner has just asked for the message on a page.
MAILS: dict[str, tuple[Callable[[Profile], None], bool]] = {
    "a request on a page": (lambda ann: request(ann, BY_PAGE), True),
    "a request on a page, by SMS": (
        lambda ann: request(ann, BY_PAGE, channel=Channel.SMS),
        True,
    ),
    "the same request again, on a page": (asks_again_by_page, True),
    "a sign-up": (signs_up, True),
    "a request by an operator": (lambda ann: request(ann, BY_COMMAND), False),
    "a request by a program": (lambda ann: request(ann, BY_API), False),
    "a link, by address": (asks_for_a_link, False),
    "a link, by number": (lambda ann: asks_for_a_link(ann, NUMBER, "sms"), False),
    "a link, by external id": (
        lambda ann: asks_for_a_link(ann, "ann", "external_id"),
        False,
    ),
    "told of a subscription": (subscribes, False),
    "told of its end": (unsubscribes, False),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("mail", MAILS)
def test_what_goes_to_an_address_follows_the_table(
    mail: str, state: str, phone: type[Phone], mailoutbox: list[Any]
) -> None:
    ann = ProfileFactory(email=ANN, sms=NUMBER, external_id="ann", language="en")
    begin, group = STATES[state]
    begin()
    act, is_asked_for = MAILS[mail]
    act(ann)
    done: set[str] = set()
    while results := outbox.send_waiting():
        done |= {*results} - {"forwarded"}
    expected = {
        FREE: "sent",
        ERRORS: "sent" if is_asked_for else "quarantined",
        DECIDED: "quarantined",
        DENIED: "denylisted",
        SUPPRESSED: "sent" if is_asked_for else "suppressed",
    }[group]
    assert done == {expected}
    assert len(mailoutbox) + len(phone.taken) == (expected == "sent")
