"""Every way out of a prepared delivery leaves out who must not get it any more."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audiences import consent, privacy, subscriptions
from audiences.models import Address, Profile
from delivery import analysis, quarantine
from delivery.models import Delivery, Message
from delivery.rules import writing
from delivery.sending import exports
from delivery.sending.exports import Export
from delivery.sending.last_check import LastCheck
from tests.people import ago, got

from .worlds import ORIGIN, block, delivery_of, give, person

pytestmark = pytest.mark.django_db
SHARES = "shares_address_with_opted_out"


@pytest.fixture
def delivery(_delivery_of_the_file: Delivery, db: None) -> Delivery:
    return Delivery.objects.get(pk=_delivery_of_the_file.pk)


@pytest.fixture(scope="module")
def _delivery_of_the_file(what_a_file_shares: None) -> Delivery:
    """Six targets; all share their address with somebody who is opted out."""
    service = subscriptions.create_service("weekly", label="Weekly", channel="email")
    for number in range(6):
        target = person(f"{number}@shop.example")
        subscriptions.subscribe(target, service, ORIGIN)
    for number in range(6):
        person(f"{number}@shop.example", out="any")
    writing.create_fatigue_rule("one", maximum=1, period_days=7)
    typology = writing.create_typology("usual", rules=["one"])
    delivery = delivery_of(service=service, typology=typology)
    assert analysis.analyse(delivery).to_deliver == 6
    return delivery


# ------------------------------------------------------------------ ways
def by_command(delivery: Delivery, client: Client) -> dict[int, str]:
    return _run(delivery, "--target")


def by_warning(delivery: Delivery, client: Client) -> dict[int, str]:
    return _run(delivery, "--warning", SHARES)


def _run(delivery: Delivery, *options: str) -> dict[int, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(
        "export_outcomes", f"id:{delivery.pk}", *options, stdout=out, stderr=err
    )
    return _people(out.getvalue())


def _people(text: str) -> dict[int, str]:
    rows = csv.DictReader(io.StringIO(text))
    return {int(row["profile"]): row["address"] for row in rows if not row["code"]}


def _download(delivery: Delivery, client: Client, **query: str) -> str:
    url = reverse("admin:delivery_delivery_outcomes_csv", args=[delivery.pk])
    answer: Any = client.get(url, query)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def by_page(delivery: Delivery, client: Client) -> dict[int, str]:
    return _people(_download(delivery, client, show="to_deliver"))


def by_page_of_all(delivery: Delivery, client: Client) -> dict[int, str]:
    return _people(_download(delivery, client, show="all"))


def by_page_of_warning(delivery: Delivery, client: Client) -> dict[int, str]:
    return _people(_download(delivery, client, show=f"warning:{SHARES}"))


def by_search(delivery: Delivery, client: Client) -> dict[int, str]:
    """The download of those whom a search finds; here it finds everybody."""
    Profile.objects.update(first_name="Sought")
    return _people(_download(delivery, client, show="to_deliver", q="Sought"))


def by_last_check(delivery: Delivery, client: Client) -> dict[int, str]:
    targets = delivery.outcomes.filter(rule=None).values_list("profile_id", "address")
    gone = LastCheck(delivery).excluded(0, 2**40)
    return {pk: address for pk, address in targets if pk not in gone}


WAYS = [by_command, by_warning, by_page, by_page_of_all, by_page_of_warning, by_search, by_last_check]  # fmt: skip


# ------------------------------------------------------------------ changes
def complain(profile: Profile) -> None:
    address = profile.addresses.get()
    quarantine.record(
        "email", address.value, type="hard", reason="complaint", source="operator"
    )


def unsubscribe(profile: Profile) -> None:
    service = profile.subscriptions.get().service
    subscriptions.unsubscribe(profile, service, ORIGIN)


def take_address_of_another(profile: Profile) -> None:
    other = Profile.objects.exclude(pk=profile.pk).order_by("pk").first()
    assert other
    give(profile, "email", other.addresses.get().value, primary=True)


CHANGES: dict[str, Callable[[Profile], object]] = {
    "opt-out": lambda p: consent.opt_out(p, "email", ORIGIN),
    "opt-out of all": lambda p: consent.opt_out(p, "any", ORIGIN),
    "quarantine": lambda p: block("email", p.addresses.get().key, "quarantine"),
    "complaint": complain,
    "new address": lambda p: give(p, "email", "new@shop.example", primary=True),
    "address of another": take_address_of_another,
    "no address": lambda p: p.addresses.all().delete(),
    "unsubscription": unsubscribe,
    "erasure": privacy.erase,
    "a message": lambda p: got(p, ago(1)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_who_changed_gets_out_by_no_way(
    delivery: Delivery,
    admin_client: Client,
    way: Callable[[Delivery, Client], dict[int, str]],
    change: Callable[[Profile], object],
) -> None:
    before = way(delivery, admin_client)
    assert len(before) == 6
    chosen = sorted(before)[2]
    change(Profile.objects.get(pk=chosen))
    del before[chosen]
    assert way(delivery, admin_client) == before


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_keeper_who_left_is_replaced_by_a_new_preparation_alone(
    delivery: Delivery,
    admin_client: Client,
    way: Callable[[Delivery, Client], dict[int, str]],
) -> None:
    keeper = Profile.objects.order_by("pk").first()
    assert keeper
    service = keeper.subscriptions.get().service
    twin = person(keeper.addresses.get().value)
    subscriptions.subscribe(twin, service, ORIGIN)
    analysis.analyse(delivery)
    assert {keeper.pk, twin.pk} & set(way(delivery, admin_client)) == {keeper.pk}
    consent.opt_out(keeper, "email", ORIGIN)
    assert {keeper.pk, twin.pk} & set(way(delivery, admin_client)) == set()
    analysis.analyse(delivery)
    assert {keeper.pk, twin.pk} & set(way(delivery, admin_client)) == {twin.pk}


# ------------------------------------------------------------------ the command
def export(delivery: Delivery, *options: str) -> tuple[dict[int, str], str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("export_outcomes", delivery.label, *options, stdout=out, stderr=err)
    return _people(out.getvalue()), err.getvalue()


def test_the_command_says_how_many_were_left_out_and_why(delivery: Delivery) -> None:
    people = list(Profile.objects.order_by("pk"))
    for profile in people[:2]:
        consent.opt_out(profile, "email", ORIGIN)
    block("email", people[2].addresses.get().key, "quarantine")
    rows, err = export(delivery, "--target")
    assert sorted(rows) == [p.pk for p in people[3:6]]
    assert err.strip() == (
        "3 left out since the analysis: denylist_channel 2, address_quarantined 1"
    )
    rows, err = export(delivery, "--target", "--as-analysed")
    assert sorted(rows) == [p.pk for p in people[:6]]
    assert "as analysed" in err


def test_nothing_is_said_when_nobody_is_left_out(delivery: Delivery) -> None:
    assert export(delivery, "--target")[1] == ""
    assert export(delivery, "--excluded")[1] == ""


def test_the_excluded_are_always_as_analysed(delivery: Delivery) -> None:
    with pytest.raises(CommandError, match="--target or --warning") as caught:
        export(delivery, "--excluded", "--as-analysed")
    assert caught.value.returncode == 2


def test_the_console_has_the_rows_as_analysed_too(
    delivery: Delivery, admin_client: Client
) -> None:
    consent.opt_out(Profile.objects.order_by("pk").first(), "email", ORIGIN)  # type: ignore[arg-type]
    assert len(_people(_download(delivery, admin_client, show="to_deliver"))) == 5
    stored = _download(delivery, admin_client, show="to_deliver", as_analysed="1")
    assert len(_people(stored)) == 6
    everybody = _download(delivery, admin_client, show="all")
    rows = list(csv.DictReader(io.StringIO(everybody)))
    assert len(rows) == Profile.objects.count()
    assert rows[0]["code"] == "denylist_channel"
    assert rows[0]["label"] == "Profile on denylist: this channel"


@pytest.mark.parametrize(
    ("channel", "given", "expected"),
    [
        ("email", "Ann.Smith@BÜCHER.example", "Ann.Smith@xn--bcher-kva.example"),
        ("email", "bob@SHOP.example", "bob@shop.example"),
        ("email", '"a b"@shop.example', '"a b"@shop.example'),
        ("sms", "+31 6 1234 5678", "+31612345678"),
        ("phone", "+31 (0)20 123 4567", "+31201234567"),
        ("fax", "+31-20-123 4567", "+31201234567"),
        ("direct_mail", "Lane 1,  Delft", "Lane 1,  Delft"),
        ("push", "TokenX", "TokenX"),
    ],
)
def test_addresses_leave_in_the_form_that_others_send_to(
    channel: str, given: str, expected: str
) -> None:
    ann = person(given, channel=channel)
    delivery = delivery_of(channel=channel)
    analysis.analyse(delivery)
    # A spreadsheet computes what begins with a plus, so it is escaped.
    cell = f"'{expected}" if expected.startswith("+") else expected
    assert export(delivery, "--target")[0] == {ann.pk: cell}
    # Also where the address has gone since.
    Address.objects.all().delete()
    assert export(delivery, "--target", "--as-analysed")[0] == {ann.pk: cell}


def test_what_is_no_address_leaves_as_it_was_given() -> None:
    person("no at sign")
    delivery = delivery_of()
    analysis.analyse(delivery)
    [row] = Export(delivery, delivery.outcomes.all())
    assert row[2:4] == ["no at sign", "address_invalid"]


@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_pages_of_any_size_make_one_file(
    delivery: Delivery, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", size)
    people = list(Profile.objects.order_by("pk"))
    consent.opt_out(people[3], "email", ORIGIN)
    rows, err = export(delivery, "--target")
    assert sorted(rows) == [p.pk for p in people[:6] if p != people[3]]
    assert err.startswith("1 left out")


def test_a_message_that_was_recorded_meanwhile_tires(delivery: Delivery) -> None:
    tired = Profile.objects.order_by("pk").first()
    assert tired
    other = delivery_of("Other")
    Message.objects.create(
        delivery=other, profile=tired, channel="email", address="x", sent_at=timezone.now()
    )  # fmt: skip
    rows, err = export(delivery, "--target")
    assert tired.pk not in rows
    assert err.strip() == "1 left out since the analysis: fatigue:one 1"
