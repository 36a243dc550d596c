"""Many addresses at once: release with a preview, lists in and out, periods (Q6)."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from audiences import tasks as people_tasks
from audiences.imports import runs
from audiences.imports.kinds import kinds
from audiences.models import ImportContent, ImportRun
from delivery import quarantine, tasks
from delivery.admin.quarantine import many
from delivery.models import QuarantineAction, QuarantineEntry

from .conftest import World, clerk
from .elements import marked

LIST = "admin:delivery_quarantineentry_changelist"
RELEASE = "admin:delivery_quarantineentry_release"
IMPORT = "admin:delivery_quarantineentry_import"
EXPORT = "admin:delivery_quarantineentry_export"
OUTAGE = {"text": "OUTAGE", "start": "2026-03-01", "end": "2026-03-02", "channel": ""}


@pytest.fixture
def outage(world: World) -> list[str]:
    """Two addresses of an outage, one of which another error holds too."""
    names = ["one@example.com", "two@example.com"]
    for name in names:
        _error(name, "Provider outage", datetime(2026, 3, 2, 23, 30, tzinfo=UTC))
    _error(names[1], "no such user", datetime(2026, 3, 5, tzinfo=UTC))
    return names


def _error(address: str, text: str, at: datetime) -> None:
    quarantine.record("email", address, type="hard", source="test", text=text, at=at)


def _status(address: str) -> str:
    return QuarantineEntry.objects.get(key=address).status


def test_release_shows_what_would_happen_first(
    outage: list[str], admin_client: Client
) -> None:
    answer = admin_client.post(reverse(RELEASE), OUTAGE)
    assert answer.context["released"] == [("Email", outage[0])]
    assert answer.context["kept"] == [("Email", outage[1])]
    assert _status(outage[0]) == "quarantine"
    done = admin_client.post(
        reverse(RELEASE), {**OUTAGE, "confirmed": "yes"}, follow=True
    )
    assert "1 address was released. 1 stays" in done.content.decode()
    assert (_status(outage[0]), _status(outage[1])) == ("valid", "quarantine")
    assert QuarantineAction.objects.get(kind="discount").actor == "admin"


def test_very_many_are_released_in_the_background(
    outage: list[str], admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "AT_ONCE", 1)
    monkeypatch.setattr(tasks.release_matching, "delay", tasks.release_matching)
    answer = admin_client.post(reverse(RELEASE), OUTAGE)
    assert "in-background" in marked(answer.content.decode(), "state")
    admin_client.post(reverse(RELEASE), {**OUTAGE, "confirmed": "yes"})
    assert _status(outage[0]) == "valid"


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"text": "x"}, "text"),
        ({"start": "2026-03-05"}, "end"),
        ({"end": "someday"}, "end"),
    ],
)
def test_release_needs_a_text_and_a_period(
    changed: dict[str, str], wrong: str, outage: list[str], admin_client: Client
) -> None:
    posted = {**OUTAGE, **changed, "confirmed": "yes"}
    answer = admin_client.post(reverse(RELEASE), posted)
    assert wrong in answer.context["form"].errors
    assert _status(outage[0]) == "quarantine"


def _upload(client: Client, text: str, channel: str = "") -> Any:
    file = SimpleUploadedFile("list.csv", text.encode(), "text/csv")
    return client.post(reverse(IMPORT), {"file": file, "channel": channel}, follow=True)


def _confirm(client: Client, run: ImportRun) -> Any:
    url = reverse("admin:audiences_importrun_confirm", args=[run.pk])
    return client.post(url, follow=True)


def test_list_is_previewed_then_imported(world: World, admin_client: Client) -> None:
    text = "channel;address;text\nemail;NEW@Example.com;née\nsms;12;x\n"
    answer = _upload(admin_client, text)
    run = ImportRun.objects.get()
    assert (run.kind, run.state) == ("quarantine", "checked")
    assert run.counts["rows"] == {"changed": 1, "unchanged": 0, "rejected": 1}
    assert "née" in answer.content.decode()
    assert not QuarantineEntry.objects.filter(key="new@example.com").exists()
    done = _confirm(admin_client, run)
    assert "All of the file was read" in done.content.decode()
    entry = QuarantineEntry.objects.get(key="new@example.com")
    assert (entry.status, entry.text) == ("quarantine", "née")
    assert QuarantineAction.objects.get(key=entry.key).actor == "admin"
    # Neither the file nor its rows are kept, and nothing of it was in a page.
    assert not ImportContent.objects.exists()
    assert _confirm(admin_client, run).status_code == 200
    assert QuarantineAction.objects.filter(key=entry.key).count() == 1


def test_large_list_waits_for_a_worker(
    world: World, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kinds, "quarantine", replace(kinds["quarantine"], at_once=10))
    _upload(admin_client, "address\nnew@example.com\n", channel="email")
    run = ImportRun.objects.get()
    assert run.state == "checking"
    people_tasks.run_import(run.pk)
    _confirm(admin_client, run)
    people_tasks.run_import(run.pk)
    assert _status("new@example.com") == "quarantine"


def test_one_who_may_quarantine_imports_lists_and_sees_no_address(
    world: World, admin_client: Client
) -> None:
    client = clerk("stopper", "view_quarantineentry", "add_quarantineentry")
    runs.upload("people.csv", [b"external_id\nP1\n"], actor="eva")
    _upload(client, "channel,address\nemail,ann@example.com\nemail,bob@\n")
    run = ImportRun.objects.get(kind="quarantine")
    listed = client.get(reverse("admin:audiences_importrun_changelist"))
    assert list(listed.context["cl"].result_list) == [run]
    page = client.get(reverse("admin:audiences_importrun_change", args=[run.pk]))
    rejects = client.get(reverse("admin:audiences_importrun_rejects", args=[run.pk]))
    for text in (page.content.decode(), rejects.getvalue().decode()):
        assert "ann@example.com" not in text
        assert "bob@" not in text
    other = ImportRun.objects.get(kind="people")
    for name in ("confirm", "cancel"):
        url = reverse(f"admin:audiences_importrun_{name}", args=[other.pk])
        assert client.post(url).status_code == 403
    _confirm(client, run)
    assert _status("ann@example.com") == "quarantine"


def test_file_that_cannot_be_read_says_why(world: World, admin_client: Client) -> None:
    assert "file" in _upload(admin_client, "").context["form"].errors
    _upload(admin_client, "name\nx\n")
    assert ImportRun.objects.get().state == "mapping"


def test_exported_list_is_imported_again(world: World, admin_client: Client) -> None:
    exported = b"".join(admin_client.get(reverse(EXPORT)).streaming_content)  # type: ignore[attr-defined]
    QuarantineEntry.objects.all().delete()
    QuarantineAction.objects.all().delete()
    _upload(admin_client, exported.decode())
    rows = ImportRun.objects.get().counts["rows"]
    assert rows == {"changed": 2, "unchanged": 0, "rejected": 0}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"last_error_from": "2026-03-01", "last_error_to": "2026-03-02"}, 1),
        ({"last_error_to": "2026-03-05"}, 2),
        ({"last_error": "1"}, 1),
        ({"last_error_from": "nonsense", "last_error_to": "9999-12-31"}, 4),
    ],
)
def test_entries_are_filtered_by_period(
    query: dict[str, str], found: int, outage: list[str], admin_client: Client
) -> None:
    answer = admin_client.get(reverse(LIST), query)
    assert len(answer.context["cl"].result_list) == found


def test_history_is_one_timeline(outage: list[str], admin_client: Client) -> None:
    quarantine.set_status(
        "email", outage[0], "valid", source="operator", actor="eva", text="by phone"
    )
    entry = QuarantineEntry.objects.get(key=outage[0])
    url = reverse("admin:delivery_quarantineentry_change", args=[entry.pk])
    steps = admin_client.get(url).context["steps"]
    assert [step.what for step in steps] == ["Set to Valid", "Error: hard"]
    assert (steps[0].who, steps[0].text) == ("eva", "by phone")


def test_who_may_only_look_releases_and_imports_nothing(outage: list[str]) -> None:
    client = clerk("looker", "view_quarantineentry")
    posted = {**OUTAGE, "confirmed": "yes"}
    assert client.post(reverse(RELEASE), posted).status_code == 403
    assert client.post(reverse(IMPORT), {"confirmed": "yes"}).status_code == 403
    assert clerk("stranger", "view_profile").get(reverse(EXPORT)).status_code == 403
    assert _status(outage[0]) == "quarantine"
