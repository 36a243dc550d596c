"""Who sends: the organisation, one page for administrators, and the senders."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from audiences import organisation
from audiences.admin.landing_pages.forms import COLOURS
from audiences.models import Organisation
from delivery import approvals, deliveries
from delivery.models import ContentVariant, Sender

from .conftest import clerk

pytestmark = pytest.mark.django_db
LIST = reverse("admin:audiences_organisation_changelist")
PAGE = reverse("admin:audiences_organisation_change", args=[1])
SENDERS = reverse("admin:delivery_sender_changelist")
FACTS = {
    "name": "Shop & Sons",
    "postal_address": "Main Street 1\n1234 AB Delft",
    "privacy_url": "https://shop.example/privacy",
    "contact": "help@shop.example",
}


def test_the_organisation_is_written_on_one_page(admin_client: Client) -> None:
    for url in (LIST, PAGE):
        assert b"postal_address" in admin_client.get(url).content
    for _again in range(2):
        response = admin_client.post(PAGE, FACTS)
        assert response.status_code == 302
        admin_client.get(response.headers["Location"])
    own = organisation.organisation()
    assert (own.name, own.contact) == (FACTS["name"], FACTS["contact"])
    assert own.postal_address.splitlines() == ["Main Street 1", "1234 AB Delft"]
    assert Organisation.objects.count() == 1


def test_saving_it_untouched_is_on_record_as_no_change(admin_client: Client) -> None:
    """Browsers end the lines of an address in a way of their own."""
    colours = {name: getattr(organisation.organisation(), name) for name in COLOURS}
    address = FACTS["postal_address"].replace("\n", "\r\n")
    posted = FACTS | colours | {"postal_address": address}
    admin_client.post(PAGE, posted)
    page = admin_client.post(PAGE, posted, follow=True).content.decode()
    assert "“Shop &amp; Sons” was saved." in page
    assert organisation.organisation().postal_address == FACTS["postal_address"]
    rows = LogEntry.objects.order_by("pk")
    assert [row.get_change_message() for row in rows][1:] == ["No fields changed."]


@pytest.mark.parametrize("address", ["http://shop.example", "javascript:x", "shop"])
def test_a_privacy_statement_is_https(admin_client: Client, address: str) -> None:
    response = admin_client.post(PAGE, FACTS | {"privacy_url": address})
    assert response.status_code == 200
    assert not Organisation.objects.exists()
    with pytest.raises(ValidationError):
        organisation.change(privacy_url=address)


def test_there_is_one_organisation() -> None:
    organisation.change(name="Shop")
    with pytest.raises(IntegrityError), transaction.atomic():
        Organisation.objects.create(pk=2, name="Another")


def test_others_can_neither_open_nor_delete_it(admin_client: Client) -> None:
    other = clerk("manager", "view_delivery", "change_delivery")
    assert {other.get(url).status_code for url in (LIST, PAGE)} == {403}
    assert other.post(PAGE, FACTS).status_code == 403
    reader = clerk("reader", "view_organisation")
    assert reader.get(PAGE).status_code == 200
    assert reader.post(PAGE, FACTS).status_code == 403
    assert not Organisation.objects.exists()
    for name in ("add", "delete"):
        where = [] if name == "add" else [1]
        url = reverse(f"admin:audiences_organisation_{name}", args=where)
        assert admin_client.post(url, FACTS).status_code == 403
    other = reverse("admin:audiences_organisation_change", args=[2])
    assert admin_client.get(other).status_code == 302


# ---------------------------------------------------------------- senders
def test_an_administrator_keeps_the_list_of_senders(admin_client: Client) -> None:
    given = {"name": "Shop", "address": "news@shop.example", "is_active": "on"}
    add = reverse("admin:delivery_sender_add")
    assert admin_client.post(add, given).status_code == 302
    row = Sender.objects.get()
    assert b"news@shop.example" in admin_client.get(SENDERS).content
    for bad in ({"address": "x"}, {"name": ""}, {"reply_to": "é@x.example"}):
        assert admin_client.post(add, given | {"name": "B"} | bad).status_code == 200
    again = admin_client.post(add, given)
    assert b"There is such a sender already" in again.content
    deletion = reverse("admin:delivery_sender_delete", args=[row.pk])
    deliveries.create("d", channel="email")
    made = deliveries.create("e", channel="email")
    made.sender = row
    made.save()
    assert admin_client.post(deletion, {"post": "yes"}).status_code == 403
    made.delete()
    assert admin_client.post(deletion, {"post": "yes"}).status_code == 302
    assert not Sender.objects.exists()


def test_others_cannot_make_senders() -> None:
    manager = clerk("manager", "view_sender", "add_delivery")
    assert manager.get(SENDERS).status_code == 200
    given = {"name": "Shop", "address": "news@shop.example", "is_active": "on"}
    assert manager.post(reverse("admin:delivery_sender_add"), given).status_code == 403


# ---------------------------------------------------------------- deliveries
CHANGES: list[dict[str, Any]] = [
    {"preheader": "Look"},
    {"headers": "X-A: b"},
    {"sender": "Shop"},
    {"variant": "Hallo"},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_an_approval_is_of_all_that_a_message_says(change: dict[str, Any]) -> None:
    made = deliveries.create("d", channel="email", subject="x", content="y")
    before = approvals.fingerprint_of(approvals.statement_of(made))
    if name := change.pop("sender", ""):
        made.sender = Sender.objects.create(name=name, address="a@b.example")
    if text := change.pop("variant", ""):
        ContentVariant.objects.create(delivery=made, language="nl", content=text)
    for name, value in change.items():
        setattr(made, name, value)
    made.save()
    assert approvals.fingerprint_of(approvals.statement_of(made)) != before


def test_a_copy_says_the_same_in_each_language() -> None:
    made = deliveries.create("d", channel="email", subject="x", content="y")
    ContentVariant.objects.create(delivery=made, language="nl", content="Hallo")
    copy = deliveries.duplicate(made)
    assert [row.content for row in copy.variants.all()] == ["Hallo"]
    copy.variants.update(content="Dag")
    assert [row.content for row in made.variants.all()] == ["Hallo"]
