"""Imports of a kind beside the version that knows people alone, and back to it."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from audiences.imports import runs
from audiences.models import ImportContent, ImportRun
from tests.factories import ServiceFactory

pytestmark = pytest.mark.django_db
BEFORE = ("audiences", "0030_names_of_relations")


def _forget_kinds() -> None:
    """What happens before the migration is taken back."""
    migration = import_module("audiences.migrations.0031_kinds_of_imports")
    migration.end_other_kinds(apps, None)


def test_version_before_still_writes_runs_until_it_is_restarted() -> None:
    earlier = MigrationLoader(connection).project_state(BEFORE).apps
    earlier.get_model("audiences", "ImportRun").objects.create(file_name="p.csv")
    run = ImportRun.objects.get()
    assert (run.kind, run.details) == ("people", {})


@pytest.mark.parametrize("state", ["checking", "checked", "importing"])
def test_other_files_do_not_become_imports_of_people(state: str) -> None:
    ServiceFactory(slug="news")
    details = {"service": "news"}
    text = b"email\nann@shop.example\n"
    run = runs.upload("s.csv", [text], actor="a", kind="subscriptions", details=details)
    ImportRun.objects.update(state=state, counts={"rows": {"subscribed": 1}})
    _forget_kinds()
    run.refresh_from_db()
    assert (run.state, run.counts, run.preview) == ("cancelled", {}, {})
    assert run.finished_at
    assert not ImportContent.objects.exists()


def test_finished_imports_and_those_of_people_stay_as_they_are() -> None:
    done = runs.upload("q.csv", [b"channel,address\n"], actor="a", kind="quarantine")
    runs.confirm(done)
    people = runs.upload("p.csv", [b"email\nann@shop.example\n"], actor="a")
    _forget_kinds()
    assert (done.state, ImportRun.objects.get(pk=done.pk).counts) == ("done", {})
    people.refresh_from_db()
    assert people.state == "checking"
    assert people.preview["columns"]
    assert people.content.exists()
