"""What lifts a suppression: what the person confirms from that very address."""

from typing import Any

import pytest

from audiences import addresses, consent, privacy, subscriptions, suppression
from audiences.consent import Origin, Source
from audiences.links import Confirmation
from audiences.links.signing import mark
from audiences.models import Address, SignupRequest, Suppression
from audiences.signups import confirming, requesting
from tests.people import ORIGIN, person

from .visitors import news, page

pytestmark = pytest.mark.django_db
ANN, NUMBER = "ann@shop.example", "+31612345678"
BY_PAGE = Origin(source=Source.LANDING_PAGE)


@pytest.fixture(autouse=True)
def _erased() -> None:
    privacy.erase(person(email=ANN, sms=NUMBER))


def signs_up(*channels: str) -> str:
    """Ask on a page; returns the token in the mail."""
    version = page("acquisition", channels=["email", "sms"]).live_version
    assert version is not None
    wish: Any = {"email": ANN, "channels": channels}
    requesting.request_signup(version, wish, language="en", network="n")
    url = requesting.confirmation_url(SignupRequest.objects.get())
    return url.rstrip("/").rpartition("/")[2]


def is_held(channel: str, key: str) -> bool:
    return bool(suppression.rows_about(channel, key))


def test_a_sign_up_lifts_once_it_is_confirmed_and_not_before() -> None:
    token = signs_up("email")
    assert is_held("email", ANN)
    confirmed = confirming.confirm_signup(token, BY_PAGE)
    assert confirmed.profile
    assert not is_held("email", ANN)
    assert not confirmed.profile.addresses.get().is_suppressed
    assert is_held("sms", NUMBER)
    row = Suppression.objects.get(lifted_at__isnull=False)
    assert (row.lifted_by, row.lift_actor, row.lift_note) == ("confirmed", "", "")


def test_who_leaves_email_unticked_lifts_nothing() -> None:
    confirming.confirm_signup(signs_up("sms"), BY_PAGE)
    assert is_held("email", ANN)
    assert Address.objects.get(channel="email").is_suppressed


@pytest.mark.parametrize(("channel", "key"), [("email", ANN), ("sms", NUMBER)])
def test_a_double_opt_in_lifts_at_the_address_that_confirms(
    channel: str, key: str
) -> None:
    ann = person(email=ANN, sms=NUMBER)
    service = news()
    service.channel, service.double_opt_in = channel, True
    service.save()
    asked = subscriptions.request(ann, service, BY_PAGE)
    assert is_held(channel, key)
    link = Confirmation(ann.pk, service.pk, asked.event_id or 0, mark(channel, key))
    subscriptions.confirm(link, BY_PAGE)
    held = dict(ann.addresses.values_list("channel", "is_suppressed"))
    assert held == {other: other != channel for other in ("email", "sms")}


def test_nothing_else_lifts(tmp_path) -> None:
    ann = person(email=ANN, out="email")
    consent.opt_in(ann, "email", ORIGIN)
    service = news()
    for source in (Source.OPERATOR, Source.IMPORT, Source.API, Source.LANDING_PAGE):
        origin = Origin(source=source, note="she asked")
        subscriptions.subscribe(person(email=ANN), service, origin)
        other = person(email=ANN)
        consent.opt_out(other, "email", origin)
        consent.opt_in(other, "email", origin)
    addresses.make_primary(ann.addresses.get())
    addresses.detach(ann.addresses.get())
    addresses.attach(ann, "email", ANN, primary=True)
    assert is_held("email", ANN)
    assert all(Address.objects.values_list("is_suppressed", flat=True))
