"""Quarantine in the admin: all through the writer, with the operator's name (Q6)."""

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audiences.models import Address
from delivery import quarantine
from delivery.models import QuarantineAction, QuarantineEntry

from .conftest import World, clerk

LIST = "admin:delivery_quarantineentry_changelist"
ADD = "admin:delivery_quarantineentry_add"


def _url(entry: QuarantineEntry, name: str = "change") -> str:
    return reverse(f"admin:delivery_quarantineentry_{name}", args=[entry.pk])


def _copy() -> str:
    return Address.objects.get(key="bounced@example.com").quarantine_status


def test_address_is_added_in_any_notation(world: World, admin_client: Client) -> None:
    posted = {
        "channel": "email",
        "address": "TWIN@Example.com",
        "status": "denylisted",
        "reason": "operator",
        "note": "lawyer's letter",
    }
    assert admin_client.post(reverse(ADD), posted).status_code == 302
    entry = QuarantineEntry.objects.get(key="twin@example.com")
    assert entry.status == "denylisted"
    action = QuarantineAction.objects.get(key="twin@example.com")
    assert (action.actor, action.text) == ("admin", "lawyer's letter")
    copies = Address.objects.filter(key="twin@example.com")
    assert {a.quarantine_status for a in copies} == {"denylisted"}
    again = admin_client.post(reverse(ADD), posted)
    assert "in the list already" in again.content.decode()


def test_what_is_no_address_is_refused_at_the_field(
    world: World, admin_client: Client
) -> None:
    posted = {"channel": "sms", "address": "12", "status": "quarantine"}
    answer = admin_client.post(reverse(ADD), {**posted, "reason": "operator"})
    assert "address" in answer.context["adminform"].form.errors


def test_status_is_set_and_shown_with_its_evidence(
    world: World, admin_client: Client
) -> None:
    url = _url(world.entry)
    shown = {"initial-status": "quarantine", "initial-reason": world.entry.reason}
    posted = {**shown, "status": "valid", "reason": world.entry.reason, "note": "ok"}
    assert admin_client.post(url, posted).status_code == 302
    world.entry.refresh_from_db()
    assert (world.entry.status, _copy()) == ("valid", "valid")
    page = admin_client.get(url).content.decode()
    assert "550" in page
    assert "admin" in page
    assert reverse("admin:audiences_profile_change", args=[world.people[3].pk]) in page


def test_saving_without_a_change_records_nothing(
    world: World, admin_client: Client
) -> None:
    fields = {"status": "quarantine", "reason": world.entry.reason}
    shown = {f"initial-{name}": value for name, value in fields.items()}
    before = QuarantineAction.objects.count()
    admin_client.post(_url(world.entry), {**fields, **shown, "note": ""})
    assert QuarantineAction.objects.count() == before


def test_a_note_alone_does_not_undo_what_happened_meanwhile(
    world: World, admin_client: Client
) -> None:
    fields = {"status": "quarantine", "reason": world.entry.reason}
    shown = {f"initial-{name}": value for name, value in fields.items()}
    quarantine.set_status("email", world.entry.key, "denylisted", source="test")
    admin_client.post(_url(world.entry), {**fields, **shown, "note": "called"})
    assert _copy() == "denylisted"


def test_action_sets_to_valid(world: World, admin_client: Client) -> None:
    chosen = QuarantineEntry.objects.values_list("pk", flat=True)
    posted = {"action": "set_to_valid", "_selected_action": list(chosen)}
    posted["post"] = "yes"
    answer = admin_client.post(reverse(LIST), posted, follow=True)
    assert "2 addresses were set to valid" in answer.content.decode()
    assert _copy() == "valid"
    assert QuarantineAction.objects.filter(actor="admin").count() == 2


def test_action_asks_before_it_releases_from_the_denylist(
    world: World, admin_client: Client
) -> None:
    QuarantineEntry.objects.filter(pk=world.entry.pk).update(status="denylisted")
    posted = {"action": "set_to_valid", "_selected_action": [world.entry.pk]}
    asked = admin_client.post(reverse(LIST), posted)
    assert asked.context["question"] == "Set 1 address to valid?"
    assert not QuarantineAction.objects.filter(actor="admin").exists()
    hidden = {**posted, **dict(asked.context["hidden"]), "post": "yes"}
    admin_client.post(reverse(LIST), hidden)
    world.entry.refresh_from_db()
    assert world.entry.status == "valid"


def test_deleting_releases_the_copies_too(world: World, admin_client: Client) -> None:
    url = _url(world.entry, "delete")
    assert "bounced@example.com" in admin_client.get(url).content.decode()
    assert admin_client.post(url, {"post": "yes"}).status_code == 302
    assert not QuarantineEntry.objects.filter(pk=world.entry.pk).exists()
    assert _copy() == "valid"
    assert QuarantineAction.objects.get(actor="admin").text == "deleted"


def test_deleting_many_does_the_same(world: World, admin_client: Client) -> None:
    chosen = list(QuarantineEntry.objects.values_list("pk", flat=True))
    posted = {"action": "delete_selected", "_selected_action": chosen}
    asked = admin_client.post(reverse(LIST), posted)
    assert "bounced@example.com" in asked.content.decode()
    assert _copy() == "quarantine"
    admin_client.post(reverse(LIST), {**posted, "post": "yes"})
    assert not QuarantineEntry.objects.exists()
    assert _copy() == "valid"


def test_who_may_only_look_changes_nothing(world: World) -> None:
    client = clerk("looker", "view_quarantineentry", "view_profile")
    assert client.get(_url(world.entry)).status_code == 200
    posted = {"status": "valid", "reason": "operator", "note": ""}
    assert client.post(_url(world.entry), posted).status_code == 403
    assert client.post(_url(world.entry, "delete"), {"post": "yes"}).status_code == 403
    assert client.post(reverse(ADD), posted).status_code == 403
    for action in ("set_to_valid", "delete_selected"):
        chosen = {"action": action, "_selected_action": [world.entry.pk]}
        client.post(reverse(LIST), {**chosen, "post": "yes"})
    assert _copy() == "quarantine"


def test_every_kind_of_action_has_words_in_the_history(
    world: World, admin_client: Client
) -> None:
    entry = QuarantineEntry.objects.get(key="bounced@example.com")
    for kind in QuarantineAction.Kind:
        QuarantineAction.objects.create(
            channel=entry.channel, key=entry.key, kind=kind, at=timezone.now()
        )
    url = reverse("admin:delivery_quarantineentry_change", args=[entry.pk])
    steps = admin_client.get(url).context["steps"]
    assert sum(not step.is_error for step in steps) == len(QuarantineAction.Kind)
