"""A site on trial sends to its list alone; seeds get a copy that counts for nothing."""

from email import message_from_bytes, policy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from audiences import consent, fields
from audiences.addresses import trial
from audiences.models import OutboxMail, Profile
from audiences.outbox.sending import _why_forbidden
from delivery import analysis, deliveries
from delivery.models import Delivery, Message, Seed, Sending
from delivery.sending import proofs, seeds, sendings, worker
from delivery.sending.status import status_of
from tests.people import ORIGIN, person
from tests.transports.smtp_server import Sink

from .conftest import recipients_of

LISTED = ["p3@Example.com", "@partner.example", "+31 6 12345678", "Main Street 1"]


@pytest.mark.parametrize(
    ("channel", "address", "allowed"),
    [
        ("email", "p3@example.com", True),
        ("email", "P3@EXAMPLE.COM", True),
        ("email", "p4@example.com", False),
        ("email", "anybody@partner.example", True),
        ("email", "anybody@sub.partner.example", False),
        ("email", "x@partner.example.org", False),
        ("sms", "+31612345678", True),
        ("sms", "0612345678", True),
        ("sms", "+31612345679", False),
        ("fax", "+31612345678", True),
        ("direct_mail", "Main Street 1", True),
        ("direct_mail", "Main Street 2", False),
        ("push", "token", False),
        ("email", "", False),
    ],
)
def test_a_trial_list_names_addresses_numbers_and_domains(
    channel: str, address: str, allowed: bool, settings: Any
) -> None:
    assert trial.allows(channel, address)
    settings.PHONE_REGION, settings.TRIAL_RECIPIENTS = "NL", LISTED
    assert trial.allows(channel, address) is allowed
    # What cannot be read names nobody, and the site stays on trial.
    settings.TRIAL_RECIPIENTS = ["nonsense"]
    assert not trial.allows("email", "p3@example.com")


@pytest.mark.django_db(transaction=True)
def test_on_trial_everybody_else_is_withdrawn_with_a_cause_of_its_own(
    prepared: Delivery,
    people: list[Profile],
    sink: Sink,
    settings: Any,
    admin_client: Client,
) -> None:
    settings.TRIAL_RECIPIENTS = LISTED
    consent.opt_out(people[4], "email", ORIGIN)
    Seed.objects.create(name="Desk", address="desk@partner.example")
    Seed.objects.create(name="Other", address="other@example.com")
    home = admin_client.get(reverse("admin:index")).content.decode()
    assert "TRIAL_RECIPIENTS" in home
    url = reverse("admin:delivery_delivery_send", args=[prepared.pk])
    page = admin_client.get(url).content.decode()
    assert "who is not on its list is withdrawn" in page
    assert "2 seed addresses" in page
    worker.send(sendings.begin(prepared, actor="test", wakes=False), waits=False)
    found = status_of(prepared)
    assert found.withdrawn == {"trial": 8, "denylist_channel": 1}
    assert recipients_of(sink) == ["desk@partner.example", "p3@example.com"]
    copies = {row["name"]: row["result"] for row in Sending.objects.get().seeds}
    assert copies == {"Desk": "taken", "Other": "trial"}
    assert "on trial" in admin_client.get(url).content.decode()
    with pytest.raises(proofs.NoProof, match="on trial"):
        proofs.send(prepared, ["me@elsewhere.example"])
    # Nor do mails of our own leave, such as what a visitor asked for.
    for address, why in (("p3@example.com", ""), ("p4@example.com", "trial")):
        mail = OutboxMail(kind="link", to=address, key=address)
        assert _why_forbidden(mail) == why


@pytest.mark.django_db(transaction=True)
def test_each_seed_gets_one_copy_that_counts_for_nothing(
    prepared: Delivery, sink: Sink
) -> None:
    Seed.objects.create(name="Desk", address="desk@shop.example")
    Seed.objects.create(name="Off", address="off@shop.example", is_active=False)
    Seed.objects.create(name="Phone", channel="sms", address="+31612345678")
    sending = sendings.begin(prepared, actor="test", wakes=False)
    for _worker in range(2):
        worker.send(sending, waits=False)
    seeds.send(sending)
    assert recipients_of(sink).count("desk@shop.example") == 1
    assert len(sink.mails) == 11
    assert Message.objects.count() == status_of(prepared).sent == 10
    raw = next(mail for _from, to, mail in sink.mails if to == "desk@shop.example")
    read = message_from_bytes(raw, policy=policy.SMTP)
    assert str(read["subject"]) == "Sale"
    text = read.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert "Hello Anna" in text
    assert {"test"} == {part.split("/")[0] for part in text.split("/u/")[1:]}
    assert "/u/test/" in str(read["list-unsubscribe"])


@pytest.mark.django_db(transaction=True)
def test_seeds_stand_in_an_extraction_file(tmp_path: Path) -> None:
    made = person(first_name="Ann", last_name="Vos")
    made.addresses.create(
        channel="direct_mail", value="A 1", key="a 1", is_primary=True, is_valid=True
    )
    Seed.objects.create(name="Desk", channel="direct_mail", address="Main Street 1")
    delivery = deliveries.create("Catalogue", channel="direct_mail")
    colour = fields.create_field("Colour", "choice", choices=["Red", "Blue"])
    fields.set_values(made, {colour: "Red"})
    columns = "address,last_name,profile,colour"
    Delivery.objects.filter(pk=delivery.pk).update(columns=columns)
    analysis.analyse(delivery)
    file = tmp_path / "c.csv"
    call_command("send_delivery", "Catalogue", "--to", str(file), stdout=StringIO())
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == columns
    assert lines[1:] == [f"A 1,Vos,{made.pk},Red", "Main Street 1,Desk,,"]
    assert Message.objects.count() == 1


@pytest.mark.django_db
def test_an_administrator_keeps_the_seeds(admin_client: Client) -> None:
    add = reverse("admin:delivery_seed_add")
    given = {"name": "Desk", "channel": "email", "is_active": "on"}
    for bad in ("x", "", "+31612345678"):
        answer = admin_client.post(add, given | {"address": bad})
        assert answer.context["adminform"].form.errors["address"]
    assert (
        admin_client.post(add, given | {"address": " Desk@Shop.example "}).status_code
        == 302
    )
    assert Seed.objects.get().address == "Desk@Shop.example"
