"""Import and export in the browser: seen before it is done, done once, kept no longer."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audiences import consent, tasks
from audiences.background import jobs
from audiences.consent import Origin
from audiences.imports import engine, runs
from audiences.models import (
    Address,
    ConsentEvent,
    ImportContent,
    ImportReject,
    ImportRun,
    Profile,
)
from tests.factories import ProfileFactory

from .conftest import World, clerk

ADD = "admin:audiences_importrun_add"
FILE = (
    "external_id,email,voornaam,no_longer_contact_email\n"
    "P1,new@example.com,Anna,ja\n"
    "N1,n1@example.com,Nora,nee\n"
    "P2,,,nee\n"
    "N2,bad address,Bo,\n"
    "N3,n3@example.com,Cas,perhaps\n"
)


def _upload(client: Client, text: str = FILE, **more: str) -> Any:
    file = SimpleUploadedFile("people.csv", text.encode())
    return client.post(reverse(ADD), {"file": file, **more}, follow=True)


def _work(run: ImportRun) -> ImportRun:
    tasks.run_import(run.pk)
    run.refresh_from_db()
    return run


def _page(run: ImportRun, name: str = "change") -> str:
    return reverse(f"admin:audiences_importrun_{name}", args=[run.pk])


def test_file_is_checked_before_anything_changes(
    world: World, admin_client: Client
) -> None:
    before = list(Profile.objects.values()), ConsentEvent.objects.count()
    assert "Being checked" in _upload(admin_client).content.decode()
    run = _work(ImportRun.objects.get())
    assert (list(Profile.objects.values()), ConsentEvent.objects.count()) == before
    assert run.state == "checked"
    assert run.counts["rows"] == {
        "created": 2,
        "updated": 1,
        "unchanged": 1,
        "rejected": 1,
        "bad_values": 1,
    }
    assert run.counts["changes"] == {"opt_out:email": 1}
    assert run.counts["kept_out"] == 1
    page = admin_client.get(_page(run)).content.decode()
    for text in ("Nothing has changed yet", "neither yes nor no", "voornaam", "Nora"):
        assert text in page, text
    anna = reverse("admin:audiences_profile_change", args=[world.people[0].pk])
    assert f'<td><a href="{anna}">Anna Vos</a></td>' in page


def test_preview_names_people_who_are_not_there_yet_and_links_nobody_else(
    world: World, admin_client: Client
) -> None:
    """A number of the preview may belong to somebody else by now."""
    text = "external_id,voornaam,no_longer_contact_email\nN1,Nora,ja\n"
    _upload(admin_client, text)
    run = _work(ImportRun.objects.get())
    (kept,) = run.preview["sample"]
    kept["profile"] = world.people[0].pk
    ImportRun.objects.filter(pk=run.pk).update(preview=run.preview)
    page = admin_client.get(_page(run)).content.decode()
    assert "<td>Nora</td><td>N1</td>" in page


def test_confirmed_import_is_done_once_and_the_file_goes(
    world: World, admin_client: Client
) -> None:
    _upload(admin_client)
    run = _work(ImportRun.objects.get())
    assert admin_client.get(_page(run, "confirm")).status_code == 405
    admin_client.post(_page(run, "confirm"))
    admin_client.post(_page(run, "confirm"))
    run = _work(_work(run))
    assert (run.state, run.counts["rows"]["created"]) == ("done", 2)
    anna = Profile.objects.get(external_id="P1")
    assert anna.no_longer_contact_email
    evidence = consent.events_of(anna.pk)[0].evidence
    assert evidence.actor == "admin"
    assert Profile.objects.get(external_id="P2").no_longer_contact_email
    assert not ImportContent.objects.exists()
    assert "rows" not in run.preview
    rejects = admin_client.get(_page(run, "rejects"))
    rows = list(csv.reader(io.StringIO(rejects.getvalue().decode())))
    assert [row[0] for row in rows] == ["row", "5", "6"]


def test_import_goes_on_after_its_worker_died(
    db: None, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "CHUNK_SIZE", 2)
    lines = "".join(f"E{n},e{n}@example.com\n" for n in range(5)) + "E9,wrong\n"
    _upload(admin_client, f"external_id,email\n{lines}")
    run = _work(ImportRun.objects.get())
    runs.confirm(run)
    real, calls = runs._Record.save, []

    def dies(self: Any, *args: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(self, *args)

    monkeypatch.setattr(runs._Record, "save", dies)
    with pytest.raises(KeyboardInterrupt):
        tasks.run_import(run.pk)
    assert Profile.objects.count() == 2
    run.refresh_from_db()
    assert list(jobs.forgotten(ImportRun)) == []
    ImportRun.objects.update(worked_at=timezone.now() - timedelta(hours=1))
    assert list(jobs.forgotten(ImportRun)) == [run]
    run = _work(run)
    assert (run.state, run.counts["rows"]["created"]) == ("done", 6)
    assert ImportReject.objects.count() == run.counts["rows"]["bad_values"] == 1


@pytest.mark.parametrize(
    ("text", "more", "field", "words"),
    [
        ("", {}, "file", "empty"),
        (FILE, {"allow_opt_in": "on"}, "note", "needs a note"),
        ("email\n" + "x" * 1_000_001, {}, "file", "more than 1 MB"),
    ],
)
def test_what_cannot_be_imported_is_said_at_once(
    text: str,
    more: dict[str, str],
    field: str,
    words: str,
    admin_client: Client,
    settings: Any,
) -> None:
    settings.IMPORT_LARGEST_MB = 1
    answer = _upload(admin_client, text, **more)
    assert words in str(answer.context["form"].errors[field])
    assert not ImportRun.objects.exists()


def test_no_opts_in_only_when_allowed_with_a_note(
    world: World, admin_client: Client
) -> None:
    _upload(admin_client, allow_opt_in="on", note="paper form")
    run = _work(ImportRun.objects.get())
    assert run.counts["changes"] == {"opt_out:email": 1, "opt_in:email": 1}
    runs.confirm(run)
    _work(run)
    person = Profile.objects.get(external_id="P2")
    assert not person.no_longer_contact_email
    assert consent.events_of(person.pk)[0].evidence.note == "paper form"


def test_cancelled_and_forgotten_files_go(db: None, admin_client: Client) -> None:
    _upload(admin_client)
    first = _work(ImportRun.objects.get())
    admin_client.post(_page(first, "cancel"))
    assert not ImportContent.objects.exists()
    _upload(admin_client)
    second = ImportRun.objects.latest("pk")
    _work(second)
    ImportRun.objects.update(created_at=timezone.now() - timedelta(days=2))
    ImportRun.objects.filter(pk=first.pk).update(
        finished_at=timezone.now() - timedelta(days=99)
    )
    runs.clean_up()
    second.refresh_from_db()
    assert second.state == "cancelled"
    assert not ImportContent.objects.exists()
    assert not ImportReject.objects.filter(run=first).exists()


def test_who_may_not_import_does_not(world: World, admin_client: Client) -> None:
    client = clerk("editor", "view_profile", "change_profile")
    assert client.get(reverse(ADD)).status_code == 403
    assert _upload(client).status_code == 403
    _upload(admin_client)
    run = _work(ImportRun.objects.get())
    for name in ("confirm", "cancel"):
        assert client.post(_page(run, name)).status_code == 403
    assert client.get(_page(run, "rejects")).status_code == 403
    assert client.get(_page(run)).status_code == 403


# ------------------------------------------------------------------ export
def _export(client: Client, query: str = "") -> Any:
    return client.post(f"{reverse('admin:audiences_profile_export')}?{query}")


def test_export_comes_in_again_and_changes_nothing(
    db: None, admin_client: Client
) -> None:
    person = ProfileFactory(
        external_id="=1+1", first_name="@Ann", email="a@example.com", sms="+31612345678"
    )
    two = ProfileFactory(external_id="X2", email="b@example.com")
    Address.objects.create(
        profile=two, channel="email", value="c@example.com", key="c@example.com"
    )
    consent.opt_out(two, "any", Origin(source="operator"))
    text = _export(admin_client).getvalue().decode()
    header, first, second = csv.reader(io.StringIO(text))
    assert (first[0], first[1], first[-7:]) == ("'=1+1", "'@Ann", ["0"] * 7)
    assert second[header.index("email_2")] == "c@example.com"
    assert second[header.index("no_longer_contact")] == "1"
    _upload(admin_client, text)
    run = _work(ImportRun.objects.get())
    assert run.counts["rows"]["unchanged"] == 2
    assert person.external_id == "=1+1"


def test_export_holds_the_list_that_was_filtered_and_needs_a_permission(
    world: World, admin_client: Client
) -> None:
    text = _export(admin_client, "opted_out=email").getvalue().decode()
    assert len(text.splitlines()) == 2
    assert "sms" not in text.splitlines()[0].split(",")
    assert len(_export(admin_client, "service=gone").getvalue().splitlines()) == 1
    client = clerk("looker", "view_profile", "change_profile")
    assert _export(client).status_code == 403
    url = reverse("admin:audiences_profile_export")
    assert admin_client.get(url).status_code == 405
