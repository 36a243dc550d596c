"""Subscriptions from a file in the console: checked, confirmed, and never revived."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from audiences import subscriptions, tasks
from audiences.models import ConsentEvidence, ImportRun, Profile, Service, Subscription
from tests.factories import BY_COMMAND, ProfileFactory, ServiceFactory

from .conftest import clerk

ADD = "admin:audiences_importrun_subscriptions"
pytestmark = pytest.mark.django_db


@pytest.fixture
def service() -> Service:
    return ServiceFactory(slug="news")


@pytest.fixture
def left(service: Service) -> Profile:
    """Somebody who has unsubscribed."""
    profile = ProfileFactory(external_id="C0")
    subscriptions.subscribe(profile, service, BY_COMMAND)
    subscriptions.unsubscribe(profile, service, BY_COMMAND)
    return profile


def _upload(client: Client, text: str, **more: str) -> Any:
    file = SimpleUploadedFile("acts.csv", text.encode())
    return client.post(reverse(ADD), {"file": file, **more}, follow=True)


def _work() -> ImportRun:
    run = ImportRun.objects.latest("pk")
    tasks.run_import(run.pk)
    run.refresh_from_db()
    return run


def _confirm(client: Client, run: ImportRun) -> ImportRun:
    client.post(reverse("admin:audiences_importrun_confirm", args=[run.pk]))
    return _work()


def test_file_is_checked_then_imported(
    left: Profile, service: Service, admin_client: Client
) -> None:
    new = ProfileFactory(external_id="C1")
    text = "external_id,service,action\nC0,news,subscribe\nC1,news,\nC9,news,\n"
    _upload(admin_client, text)
    run = _work()
    counts = {"subscribed": 1, "unsubscribed": 0, "unchanged": 0, "rejected": 2}
    assert (run.state, run.counts["rows"]) == ("checked", counts)
    assert not new.subscriptions.exists()
    page = admin_client.get(reverse("admin:audiences_importrun_change", args=[run.pk]))
    text = page.content.decode()
    assert "only an import that may revive" in text
    assert "--revive" not in text
    run = _confirm(admin_client, run)
    assert (run.state, run.counts["rows"]) == ("done", counts)
    assert new.subscriptions.get().status == "active"
    assert left.subscriptions.get().status == "unsubscribed"


def test_reviving_needs_a_note_and_keeps_it(
    left: Profile, service: Service, admin_client: Client
) -> None:
    text = "external_id\nC0\n"
    chosen = {"service": "news", "revive": "on"}
    refused = _upload(admin_client, text, **chosen)
    assert "needs a note" in str(refused.context["form"].errors["note"])
    assert not ImportRun.objects.exists()
    _upload(admin_client, text, note="paper forms", **chosen)
    _confirm(admin_client, _work())
    assert Subscription.objects.get().status == "active"
    evidence = ConsentEvidence.objects.get(note="paper forms")
    assert (evidence.actor, evidence.event.kind) == ("admin", "subscribe")


def test_service_is_said_once(service: Service, admin_client: Client) -> None:
    without = _upload(admin_client, "external_id\nC1\n")
    assert "Choose the service" in str(without.context["form"].errors["file"])
    twice = _upload(admin_client, "external_id,service\nC1,news\n", service="news")
    assert "choose no service" in str(twice.context["form"].errors["file"])


def test_one_who_imports_people_only_sees_no_imports_of_subscriptions(
    service: Service, admin_client: Client
) -> None:
    _upload(admin_client, "external_id,service\nC1,news\n")
    client = clerk("desk", "import_profile", "see_addresses")
    assert client.get(reverse(ADD)).status_code == 403
    listed = client.get(reverse("admin:audiences_importrun_changelist"))
    assert not listed.context["cl"].result_list
    run = ImportRun.objects.get()
    url = reverse("admin:audiences_importrun_confirm", args=[run.pk])
    assert client.post(url).status_code == 403
