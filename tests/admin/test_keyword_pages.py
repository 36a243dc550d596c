"""Operators edit keywords; what came with Campaign cannot be lost."""

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from delivery import quarantine
from delivery.feedback import intake
from delivery.models import HookCount, InboundItem, Keyword
from tests.hooks.calls import SECRETS, generic

pytestmark = pytest.mark.django_db
LIST = reverse("admin:delivery_keyword_changelist")


def change(keyword: Keyword) -> str:
    return reverse("admin:delivery_keyword_change", args=[keyword.pk])


def test_an_operator_adds_a_keyword_of_their_own(admin_client: Client) -> None:
    given = {
        "keyword": "KLAAR",
        "language": "nl",
        "action": "opt_out",
        "reply": "Tot ziens",
        "short_code": "1008",
        "regions": "nl,be",
        "is_active": "on",
    }
    response = admin_client.post(reverse("admin:delivery_keyword_add"), given)
    assert response.status_code == 302
    row = Keyword.objects.get(keyword="KLAAR")
    assert (row.regions, row.is_built_in) == ("NL, BE", False)
    deletion = reverse("admin:delivery_keyword_delete", args=[row.pk])
    admin_client.post(deletion, {"post": "yes"})
    assert not Keyword.objects.filter(pk=row.pk).exists()


def test_a_country_that_is_no_code_is_refused(admin_client: Client) -> None:
    row = Keyword.objects.get(keyword="RED")
    response = admin_client.post(
        change(row), {"action": "opt_out", "regions": "Turkey", "is_active": "on"}
    )
    assert b"two letters" in response.content


def test_a_built_in_keyword_is_changed_and_switched_off(admin_client: Client) -> None:
    row = Keyword.objects.get(keyword="RED")
    given = {"keyword": "X", "action": "review", "reply": "ours", "regions": "TR"}
    assert admin_client.post(change(row), given).status_code == 302
    row.refresh_from_db()
    assert (row.keyword, row.action, row.is_active) == ("RED", "review", False)


def test_a_built_in_keyword_cannot_be_deleted(admin_client: Client) -> None:
    row = Keyword.objects.get(keyword="RED")
    deletion = reverse("admin:delivery_keyword_delete", args=[row.pk])
    assert admin_client.post(deletion, {"post": "yes"}).status_code == 403
    many = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    admin_client.post(LIST, many)
    assert Keyword.objects.filter(pk=row.pk).exists()


def test_the_counters_of_webhooks_are_shown(admin_client: Client) -> None:
    HookCount.objects.create(
        day="2026-11-20", provider="twilio", outcome="wrong_signature", count=7
    )
    page = admin_client.get(reverse("admin:delivery_hookcount_changelist"))
    assert b"Refused: wrong signature" in page.content


@pytest.fixture
def held() -> InboundItem:
    text = {"id": "1", "from": "+31612345678", "text": "the end"}
    with override_settings(**SECRETS):
        generic("inbound", text).post()
    return InboundItem.objects.get()


def act(client: Client, item: InboundItem, name: str) -> str:
    """What an operator does on the item's page; returns the status of the number."""
    page = client.get(reverse("admin:delivery_inbounditem_change", args=[item.pk]))
    url = reverse(f"admin:delivery_inbounditem_{name}", args=[item.pk])
    assert url in page.content.decode()
    assert client.post(url).status_code == 302
    entry = quarantine.entry_of("sms", "+31612345678")
    assert entry is not None
    return entry.status


def test_an_operator_decides_that_a_held_message_means_stop(
    admin_client: Client, held: InboundItem
) -> None:
    assert act(admin_client, held, "stop") == "denylisted"
    held.refresh_from_db()
    assert (held.state, held.decided_by) == ("applied", "admin")


def test_an_operator_releases_a_held_number(
    admin_client: Client, held: InboundItem
) -> None:
    assert act(admin_client, held, "ignore") == "valid"


def test_only_a_held_message_can_mean_stop(admin_client: Client) -> None:
    item = intake.receive("mail", b"something")[0]
    url = reverse("admin:delivery_inbounditem_stop", args=[item.pk])
    page = admin_client.post(url, follow=True)
    assert b"can mean STOP" in page.content
