"""Everything about a person as one zip: a page to read, and the same as data."""

import io
import json
import re
import stat
import time
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from audiences import privacy
from audiences.privacy import access, places
from tests.people import person

from . import everything

pytestmark = pytest.mark.django_db


def _read(content: bytes) -> tuple[str, dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert sorted(archive.namelist()) == [access.PAGE, access.DATA]
        page = archive.read(access.PAGE).decode()
        return page, json.loads(archive.read(access.DATA))


def test_the_zip_has_everything_in_the_persons_language(
    admin_user: User, settings: Any
) -> None:
    settings.PHONE_REGION = "NL"
    made = everything.make(admin_user)
    began = time.process_time()
    page, data = _read(privacy.zip_of(made.profile))
    assert time.process_time() - began < 5
    held = {part["place"]: part["rows"] for part in data["places"]}
    expected = """
        Profile Address Subscription ConsentEvent SignupRequest OutboxMail
        AudienceMember BulkAct ImportRun ImportContent Audience
    """.split()
    assert {f"audiences.{name}" for name in expected} <= {*held}
    assert {"admin.LogEntry", "delivery.Message", "delivery.MessageEvent"} <= {*held}
    assert {"delivery.Outcome", "delivery.QuarantineEntry"} <= {*held}
    assert {"delivery.InboundItem", "delivery.AddressError"} <= {*held}
    history = held["audiences.ConsentEvent"]
    assert history[0]["note"] == "asked by phone"
    assert everything.OLD in {row["address"] for row in held["delivery.Message"]}
    assert any(
        everything.NUMBER in row["row"] for row in held["audiences.ImportContent"]
    )
    # The page holds the same, is Dutch, and fetches nothing.
    assert '<html lang="nl">' in page
    for text in (everything.FIRST, everything.EMAIL, everything.SMS, "Nieuws"):
        assert text in page
    assert not re.search(r"<script|<link|<img|src=|url\(", page)
    HTMLParser().feed(page)


def test_nothing_of_anybody_else_is_in_it() -> None:
    one = person(first_name="Ann", last_name="Ax", email="ann@shop.example")
    person(first_name="Bob", last_name="Bo", email="bob@shop.example")
    page, data = _read(privacy.zip_of(one))
    assert "bob@shop.example" not in page + json.dumps(data)


def test_the_command_writes_the_file_whole_and_for_its_owner_alone(
    tmp_path: Path,
) -> None:
    one = person(email="ann@shop.example")
    path = tmp_path / "ann.zip"
    call_command("access_profile", f"id:{one.pk}", "--to", str(path))
    assert _read(path.read_bytes())[1]["profile"] == one.pk
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [*tmp_path.iterdir()] == [path]
    with pytest.raises(Exception, match="cannot be written"):
        call_command(
            "access_profile", f"id:{one.pk}", "--to", str(tmp_path / "no/a.zip")
        )


def test_every_place_can_be_shown_and_counted() -> None:
    one = person(email="ann@shop.example")
    from audiences.privacy.people import Person

    for place in places.all_places():
        assert place.title
        assert place.count(Person.of(one)) >= 0
        for name in (*place.show, *place.texts):
            place.model._meta.get_field(name)
