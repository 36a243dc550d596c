"""Whoever may import one kind of file reaches no import of another kind."""

from itertools import permutations

import pytest
from django.urls import reverse

from audiences.imports.kinds import kinds
from audiences.models import ImportReject, ImportRun

from .conftest import clerk

pytestmark = pytest.mark.django_db
KINDS = ("people", "quarantine", "subscriptions")
# Those of people are among those of subscriptions.
PAIRS = [p for p in permutations(KINDS, 2) if p != ("subscriptions", "people")]
DOORS = ("confirm", "cancel", "rejects", "columns", "change", "delete", "history")


def _run(kind: str) -> ImportRun:
    run = ImportRun.objects.create(
        file_name=f"secret-{kind}.csv", kind=kind, actor="eva", state="checked"
    )
    ImportReject.objects.create(
        run=run, row=2, field="email", reason="hidden@shop.example", outcome="rejected"
    )
    return run


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("own", "other"), PAIRS)
def test_no_door_leads_to_an_import_of_another_kind(
    own: str, other: str, door: str
) -> None:
    assert set(kinds) >= set(KINDS)
    codes = [code.partition(".")[2] for code in kinds[own].permissions]
    run, client = _run(other), clerk("clerk", *codes)
    address = reverse(f"admin:audiences_importrun_{door}", args=[run.pk])
    for ask in (client.get, client.post):
        said = ask(address, follow=True)
        body = b"".join(said.streaming_content) if said.streaming else said.content
        assert b"hidden@shop.example" not in body
        assert b"secret-" not in body or said.status_code == 403
    run.refresh_from_db()
    assert run.state == "checked"
    assert (
        b"secret-"
        not in client.get(reverse("admin:audiences_importrun_changelist")).content
    )
