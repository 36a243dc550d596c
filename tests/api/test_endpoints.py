"""What endpoints are told: signed, in order, again where they were not there."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from audiences import consent, endpoints, feed, privacy
from audiences.consent import Origin
from audiences.endpoints import NotPublic, calling, networks, queue, sending
from audiences.feed import Event, Position
from audiences.models import Endpoint, EndpointCall, Profile
from audiences.refusals import Refused
from delivery import quarantine
from tests.delivery.sessions import open_transaction
from tests.factories import ProfileFactory
from tests.people import person

from .conftest import Program
from .receiver import Receiver, receiving

pytestmark = pytest.mark.django_db(transaction=True)
BY = Origin(source="operator", note="asked")


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.ENDPOINTS_ALLOW_PRIVATE = True
    settings.ENDPOINT_SECONDS = 1
    with receiving() as made:
        yield made


def endpoint(receiver: Receiver, *events: str, **facts: Any) -> Endpoint:
    shown = endpoints.create(receiver.url, events or Event.values, **facts)
    receiver.secret = shown.secret
    return shown.endpoint


def now(made: Endpoint) -> int:
    """Let the pauses be over, and tell it."""
    Endpoint.objects.update(due_at=timezone.now())
    EndpointCall.objects.filter(state="waiting").update(due_at=timezone.now())
    return endpoints.work(made.pk)


def test_it_is_told_what_happened_signed_and_once(receiver: Receiver) -> None:
    early = person(email="early@example.org")
    consent.opt_out(early, "email", BY)
    made = endpoint(receiver)
    ann = person(email="ann@example.org", external_id="A1")
    consent.opt_out(ann, "email", BY)
    consent.opt_in(ann, "email", BY)
    quarantine.set_status("email", "ann@example.org", "quarantine", source="operator")
    quarantine.set_status("email", "ann@example.org", "valid", source="operator")
    assert endpoints.work(made.pk) == 4
    assert endpoints.work(made.pk) == 0
    told = [told["type"] for told in receiver.told]
    assert [t for t in told if "consent" in t] == [
        "consent.opted_out",
        "consent.opted_in",
    ]
    assert [t for t in told if "address" in t] == [
        "address.quarantined",
        "address.released",
    ]
    first = next(t for t in receiver.told if t["type"] == "consent.opted_out")
    assert first["id"] in receiver.ids
    assert first["data"]["profile"] == ann.pk
    assert first["data"]["external_id"] == "A1"
    assert first["data"]["channel"] == "email"
    assert "ann@example.org" not in str(receiver.told), "addresses are asked for"


def test_with_addresses_and_only_what_was_chosen(receiver: Receiver) -> None:
    made = endpoint(receiver, "consent.opted_out", with_addresses=True)
    ann = person(email="ann@example.org")
    consent.opt_out(ann, "email", BY)
    consent.opt_in(ann, "email", BY)
    assert endpoints.work(made.pk) == 1
    assert receiver.told[0]["data"]["addresses"] == {"email": "ann@example.org"}


def test_a_failure_is_tried_again_within_a_minute_under_the_same_id(
    receiver: Receiver,
) -> None:
    made = endpoint(receiver)
    receiver.answers = [500, 302]
    consent.opt_out(person(), "email", BY)
    assert endpoints.work(made.pk) == 0
    call = EndpointCall.objects.get()
    assert (call.status, call.answer, call.state) == (500, "no\n", "waiting")
    made.refresh_from_db()
    assert made.failing_since
    assert call.due_at - timezone.now() < timedelta(minutes=1)
    assert made.due_at - timezone.now() < timedelta(minutes=1)
    assert endpoints.work(made.pk) == 0, "it is left alone for a while"
    assert receiver.calls == 1
    assert now(made) == 0
    assert receiver.calls == 2, "nobody follows a redirect"
    assert now(made) == 1
    assert receiver.ids == [call.change]
    made.refresh_from_db()
    assert (made.failing_since, made.failures) == (None, 0)


def test_what_comes_later_about_a_person_waits_and_others_go_on(
    receiver: Receiver,
) -> None:
    made = endpoint(receiver)
    ann, bob = person(), person()
    receiver.refused = {ann.pk}
    for who in (ann, bob, ann, bob):
        change = consent.opt_in if who.no_longer_contact_email else consent.opt_out
        change(who, "email", BY)
    endpoints.work(made.pk)
    assert {told["data"]["profile"] for told in receiver.told} == {bob.pk}
    assert len(receiver.told) == 2
    receiver.refused = set()
    now(made)
    of_ann = [t["type"] for t in receiver.told if t["data"]["profile"] == ann.pk]
    assert of_ann == ["consent.opted_out", "consent.opted_in"]


def test_one_that_hangs_or_is_not_there_costs_little(
    receiver: Receiver, settings: Any
) -> None:
    settings.ENDPOINT_SECONDS = 0.2
    made = endpoint(receiver)
    for profile in [ProfileFactory() for _n in range(30)]:
        consent.opt_out(profile, "email", BY)
    receiver.seconds = 0.6
    began = time.monotonic()
    assert endpoints.work(made.pk) == 0
    assert time.monotonic() - began < 2
    assert EndpointCall.objects.exclude(answer="").first().answer == (  # type: ignore[union-attr]
        "It did not answer in time."
    )
    endpoints.change(made, url="http://127.0.0.1:9/")
    assert now(made) == 0
    made.refresh_from_db()
    assert made.reason == "It cannot be reached."
    receiver.seconds, settings.ENDPOINT_SECONDS = 0, 5
    endpoints.change(made, url=receiver.url)
    assert now(made) == 30


def test_after_three_days_it_is_disabled_and_can_be_enabled(
    receiver: Receiver,
) -> None:
    made = endpoint(receiver)
    receiver.answers = [503, 500]
    consent.opt_out(person(), "email", BY)
    endpoints.work(made.pk)
    EndpointCall.objects.update(first_at=timezone.now() - timedelta(days=3))
    assert now(made) == 0
    made.refresh_from_db()
    assert made.state == "disabled"
    assert "three days" in made.reason
    endpoints.enable(made)
    EndpointCall.objects.update(state="waiting")
    assert now(made) == 1


def test_one_that_says_it_is_gone_is_disabled_at_once(receiver: Receiver) -> None:
    made = endpoint(receiver)
    people = [person(), person()]
    for who in people:
        consent.opt_out(who, "email", BY)
    receiver.answers = [410] * 2
    assert endpoints.work(made.pk) == 0
    made.refresh_from_db()
    assert (made.state, "410" in made.reason) == ("disabled", True)
    assert now(made) == 0
    receiver.answers = []
    endpoints.enable(made)
    assert now(made) == 2, "nothing is lost for whoever comes back"


def test_an_answer_that_comes_byte_by_byte_is_cut_off(
    receiver: Receiver, settings: Any
) -> None:
    settings.ENDPOINT_SECONDS = 0.3
    made = endpoint(receiver)
    consent.opt_out(person(), "email", BY)
    receiver.drips = True
    # Who waited for all of it would read 200 in the end.
    assert endpoints.work(made.pk) == 0
    assert EndpointCall.objects.get().answer == "It did not answer in time."


def test_it_is_told_again_by_id_and_since_a_moment(receiver: Receiver) -> None:
    made = endpoint(receiver)
    began = timezone.now()
    people = [person(), person()]
    for who in people:
        consent.opt_out(who, "any", BY)
    assert endpoints.work(made.pk) == 2
    with pytest.raises(Refused):
        endpoints.replay(made, ids=["c999999"])
    # Whoever asks does not wait for the pause after a failure.
    Endpoint.objects.update(due_at=timezone.now() + timedelta(hours=6))
    assert endpoints.replay(made, ids=[receiver.ids[0]] * 2) == 1
    assert endpoints.work(made.pk) == 1
    assert receiver.ids[2] == receiver.ids[0]
    endpoints.replay(made, since=began)
    assert endpoints.work(made.pk) == 2
    # In order for each person, and for nobody else.
    assert sorted(receiver.ids[3:]) == sorted(receiver.ids[:2])
    endpoints.send_again(EndpointCall.objects.earliest("pk"))
    assert endpoints.work(made.pk) == 1


def test_two_secrets_sign_while_it_goes_over(receiver: Receiver) -> None:
    made = endpoint(receiver)
    former = receiver.secret
    newer = endpoints.rotate(made).secret
    for secret in (former, newer):
        receiver.secret = secret
        consent.opt_out(person(), "email", BY)
        assert endpoints.work(made.pk) == 1
    Endpoint.objects.update(former_until=timezone.now())
    receiver.secret = newer
    consent.opt_out(person(), "email", BY)
    assert endpoints.work(made.pk) == 1


def test_of_somebody_who_is_erased_only_the_number_is_told(receiver: Receiver) -> None:
    made = endpoint(receiver, with_addresses=True)
    ann = person(email="ann@example.org", external_id="A1")
    consent.opt_out(ann, "email", BY)
    quarantine.set_status("email", "ann@example.org", "quarantine", source="operator")
    privacy.erase(ann)
    assert endpoints.work(made.pk) == 3
    types = [told["type"] for told in receiver.told]
    # In order for the person; what is said of an address is nobody's.
    ours = [each for each in types if each != "address.quarantined"]
    assert ours == ["consent.opted_out", "profile.erased"]
    assert "ann@" not in str(receiver.told)
    assert "A1" not in str(receiver.told)


# ------------------------------------------------------------------ the feed
def test_the_feed_has_everything_in_order_whatever_the_page(shop: Program) -> None:
    people = [ProfileFactory() for _n in range(7)]
    for who in people:
        consent.opt_out(who, "email", BY)
        quarantine.set_status(
            "sms", f"+3161234567{who.pk % 10}", "denylisted", source="operator"
        )
    consent.opt_in_all(Profile.objects.all(), "email", BY)
    whole = feed.read(Position(), 1_000).changes
    ids = [change.id for change in whole]
    assert len(ids) == len(set(ids)) == 21
    for limit in (1, 2, 5):
        cursor, got = "", []
        while True:
            data = shop.get(f"changes?since={cursor}&limit={limit}").data
            got += [item["id"] for item in data["items"]]
            cursor = data["cursor"]
            if not data["has_more"]:
                break
        assert got == ids
        assert shop.get(f"changes?since={cursor}").data["items"] == []
    only = shop.get("changes?types=address.quarantined").data["items"]
    assert len(only) == 7


def test_what_is_not_committed_yet_does_not_pass_the_cursor() -> None:
    """A transaction that is open while others commit comes later, and is not lost."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    ann, bob = person(), person()
    place = feed.present()
    other = open_transaction(lambda: consent.opt_out(ann, "email", BY))
    consent.opt_out(bob, "email", BY)
    page = feed.read(place, 10)
    assert page.changes == [], "what is behind the open one waits"
    other.finish()
    found = feed.read(page.position, 10).changes
    assert {change.profile_id for change in found} == {ann.pk, bob.pk}


def test_a_cursor_of_another_server_is_refused(shop: Program) -> None:
    answer = shop.get("changes?since=999999999999.0.0")
    assert answer.status_code == 422
    assert answer.data["code"] == "bad_cursor"
    for text in ("x", "1.2", "1.9.0", "1.0.-", "-5.0.0", f"-1.1.{2**63}"):
        assert shop.get(f"changes?since={text}").status_code == 422


# ------------------------------------------------------------------ where they may be
@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1:8443/x",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fd00::1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[64:ff9b:1::7f00:1]/",
        "https://[::127.0.0.1]/",
        "https://[::ffff:0:127.0.0.1]/",
        "https://[fec0::1]/",
        "https://[2002:7f00:1::]/",
        "https://0.0.0.0/",
        "https://100.64.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0251.0376.43518/",
        "https://192.0.0.8/",
        "https://192.88.99.1/",
        "https://[2001:1::1]/",
        "https://[fe80::1%25eth0]/",
        "https://redis:6379/",
        "https://metadata/",
        "https://localhost.localdomain/",
        "https://*/",
        "https://a..example.org/",
        "https://-a.example.org/",
        "https://127%2e0.0.1/",
        "https://127.0.0.1%00.example.org/",
        "https://1.2.3.4.5/",
        "https://example.org:0/",
        "http://93.184.216.34/",
        "ftp://example.org/",
        "https://user:pass@example.org/",
        "https://example.org/#x",
        "https:///x",
        "https://exa mple.org/",
        "nonsense",
    ],
)
def test_private_networks_and_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(NotPublic):
        endpoints.create(url, ["consent.opted_out"])


def test_an_endpoint_that_moves_inside_is_not_called(
    receiver: Receiver, settings: Any
) -> None:
    made = endpoint(receiver)
    consent.opt_out(person(), "email", BY)
    settings.ENDPOINTS_ALLOW_PRIVATE = False
    Endpoint.objects.update(url=receiver.url.replace("http:", "https:"))
    assert endpoints.work(made.pk) == 0
    assert receiver.calls == 0
    assert "private network" in EndpointCall.objects.get().answer


@pytest.mark.parametrize("host", [f"{'a' * 64}.example.org", "a..example.org"])
def test_a_name_that_no_name_server_can_be_asked_for_is_a_failed_call(
    host: str,
) -> None:
    called = calling.Caller(f"https://{host}/", [], 1)
    assert called.look() == "The name cannot be resolved."


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org./told?key=a%20b",
        "https://EXAMPLE.org:8443/",
        "https://_x.a-b.xn--p1ai/",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1:248:1893:25c8:1946]:8443/",
    ],
)
def test_what_may_be_on_the_public_internet_is_not_refused(url: str) -> None:
    networks.refuse_private(url)


def test_public_addresses_are_public() -> None:
    assert networks.is_public("93.184.216.34")
    assert networks.is_public("2606:2800:220:1:248:1893:25c8:1946")


def test_each_change_becomes_a_row_once(receiver: Receiver) -> None:
    made = endpoint(receiver)
    for profile in [ProfileFactory() for _n in range(5)]:
        consent.opt_out(profile, "email", BY)
    assert queue.take_in(made) == 5
    assert queue.take_in(made) == 0
    assert sending.work(made.pk) == 5
