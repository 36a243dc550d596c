"""Services, audiences, deliveries and logs in the admin: what may change, what not."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from audiences import membership
from audiences.models import Audience, ConsentEvent, Service
from delivery.models import Delivery, Outcome

from .conftest import World, clerk

pytestmark = pytest.mark.one_database

LOGS = (
    *("audiences_consentevent", "audiences_consentevidence", "audiences_subscription"),
    *("audiences_address", "delivery_addresserror", "delivery_quarantineaction"),
    *("delivery_message", "delivery_analysis"),
)


def _posted(world: World, **changed: object) -> dict[str, object]:
    return {
        "label": "New",
        "channel": "email",
        "audience": world.prepared.audience_id,
        "service": "",
        "purpose": "marketing",
        "purpose_note": "",
        **changed,
    }


@pytest.mark.parametrize("log", LOGS)
def test_logs_cannot_be_written(log: str, world: World, admin_client: Client) -> None:
    model = next(
        m for m in admin.site._registry if m._meta.label_lower == log.replace("_", ".")
    )
    row = model._default_manager.first()
    assert row is not None
    count = model._default_manager.count()
    assert admin_client.post(reverse(f"admin:{log}_add"), {}).status_code == 403
    for name in ("change", "delete"):
        url = reverse(f"admin:{log}_{name}", args=[row.pk])
        assert admin_client.post(url, {"post": "yes"}).status_code == 403
    posted = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    admin_client.post(reverse(f"admin:{log}_changelist"), posted)
    assert model._default_manager.count() == count


def test_delivery_and_service_have_one_channel(
    world: World, admin_client: Client
) -> None:
    add = reverse("admin:delivery_delivery_add")
    wrong = _posted(world, channel="sms", service=world.service.pk)
    answer = admin_client.post(add, wrong)
    assert "service" in answer.context["adminform"].form.errors
    right = _posted(world, service=world.service.pk)
    assert admin_client.post(add, right).status_code == 302
    assert Delivery.objects.get(label="New").service == world.service


def test_a_service_alone_is_enough_and_reaches_its_subscribers(
    world: World, admin_client: Client
) -> None:
    add, before = reverse("admin:delivery_delivery_add"), Audience.objects.count()
    answer = admin_client.post(add, _posted(world, audience=""))
    assert "audience" in answer.context["adminform"].form.errors
    posted = _posted(world, audience="", service=world.service.pk)
    answer = admin_client.post(add, posted | {"label": ""})
    assert set(answer.context["adminform"].form.errors) == {"label"}
    assert Audience.objects.count() == before, "a refused form leaves nothing behind"
    assert admin_client.post(add, posted).status_code == 302
    made = Delivery.objects.get(label="New")
    assert made.audience == membership.subscribers(world.service)


def test_reaching_opted_out_people_needs_a_permission_and_a_note(
    world: World, admin_client: Client
) -> None:
    add = reverse("admin:delivery_delivery_add")
    answer = admin_client.post(add, _posted(world, purpose="legal"))
    assert "purpose_note" in answer.context["adminform"].form.errors
    noted = _posted(world, purpose="legal", purpose_note="recall")
    client = clerk("planner", "add_delivery", "view_delivery")
    answer = client.post(add, noted)
    assert "purpose" in answer.context["adminform"].form.errors
    assert admin_client.post(add, noted).status_code == 302


def test_sent_delivery_stands(world: World, admin_client: Client) -> None:
    url = reverse("admin:delivery_delivery_change", args=[world.sent.pk])
    assert admin_client.get(url).status_code == 200
    assert admin_client.post(url, _posted(world)).status_code == 403
    delete = reverse("admin:delivery_delivery_delete", args=[world.sent.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [world.sent.pk]}
    changelist = reverse("admin:delivery_delivery_changelist")
    admin_client.post(changelist, {**chosen, "post": "yes"})
    assert Delivery.objects.filter(pk=world.sent.pk).exists()


def test_deleting_a_prepared_delivery_takes_its_outcomes(
    world: World, admin_client: Client
) -> None:
    url = reverse("admin:delivery_delivery_delete", args=[world.prepared.pk])
    assert admin_client.post(url, {"post": "yes"}).status_code == 302
    assert not Outcome.objects.filter(delivery_id=world.prepared.pk).exists()


def test_pages_of_a_delivery_link_its_report(
    world: World, admin_client: Client
) -> None:
    report = reverse("admin:delivery_delivery_outcomes", args=[world.prepared.pk])
    for url in (
        reverse("admin:delivery_delivery_changelist"),
        reverse("admin:delivery_delivery_change", args=[world.prepared.pk]),
    ):
        assert report in admin_client.get(url).content.decode()


# What the selects of a service's messages post.
SAYS_NOTHING = {
    "request_message": "default",
    "subscribed_message": "none",
    "unsubscribed_message": "none",
}


def test_used_service_keeps_slug_and_channel(
    world: World, admin_client: Client
) -> None:
    url = reverse("admin:audiences_service_change", args=[world.service.pk])
    posted = {"label": "Other", "slug": "other", "channel": "sms", "validity_days": ""}
    posted |= SAYS_NOTHING
    assert admin_client.post(url, posted).status_code == 302
    service = Service.objects.get(pk=world.service.pk)
    assert (service.label, service.slug, service.channel) == ("Other", "news", "email")
    delete = reverse("admin:audiences_service_delete", args=[service.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    assert ConsentEvent.objects.filter(service=service).exists()


def test_new_service_is_made(admin_client: Client) -> None:
    posted = {"label": "A", "slug": "a", "channel": "sms", "validity_days": "30"}
    posted |= SAYS_NOTHING
    add = reverse("admin:audiences_service_add")
    assert admin_client.post(add, posted).status_code == 302
    assert Service.objects.get(slug="a").validity_days == 30


@pytest.mark.parametrize(
    ("posted", "wrong"),
    [
        ({"kind": "subscribers"}, "service"),
        ({"kind": "condition"}, "condition"),
        ({"kind": "condition", "condition": '{"node": "nonsense"}'}, "condition"),
        ({"kind": "list"}, "kind"),
        ({"kind": "everyone"}, None),
    ],
)
def test_audience_is_complete(
    posted: dict[str, str], wrong: str | None, db: None, admin_client: Client
) -> None:
    add = reverse("admin:audiences_audience_add")
    answer = admin_client.post(add, {"name": "All", "service": "", **posted})
    if wrong is None:
        assert answer.status_code == 302
    else:
        assert wrong in answer.context["adminform"].form.errors
        assert not Audience.objects.filter(name="All").exists()


def test_audience_shows_how_many_and_only_its_name_changes(
    world: World, admin_client: Client
) -> None:
    audience = membership.list_of("Two", [p.pk for p in world.people[:2]])
    url = reverse("admin:audiences_audience_change", args=[audience.pk])
    assert ">2 profiles<" in admin_client.get(url).content.decode()
    posted = {"name": "Pair", "kind": "everyone", "service": ""}
    assert admin_client.post(url, posted).status_code == 302
    audience.refresh_from_db()
    assert (audience.name, audience.kind) == ("Pair", "list")
    delete = reverse("admin:audiences_audience_delete", args=[audience.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 302
    used = reverse("admin:audiences_audience_delete", args=[world.draft.audience_id])
    admin_client.post(used, {"post": "yes"})
    assert Audience.objects.filter(pk=world.draft.audience_id).exists()


def test_who_may_only_look_changes_no_delivery(world: World) -> None:
    client = clerk("looker", "view_delivery", "view_service", "view_audience")
    url = reverse("admin:delivery_delivery_change", args=[world.draft.pk])
    assert client.get(url).status_code == 200
    assert client.post(url, _posted(world)).status_code == 403
    for name in ("delivery_delivery", "audiences_service", "audiences_audience"):
        assert client.post(reverse(f"admin:{name}_add"), {}).status_code == 403
