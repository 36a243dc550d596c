"""What opts somebody in says how they asked, at every door of the API."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audiences.models import ImportRun
from tests.factories import ServiceFactory
from tests.people import person

from .conftest import Program

pytestmark = pytest.mark.django_db
NOTHING = ["", " ", "\u200b", "\u2060\ufeff", "...", "\u00a0", "-"]


@pytest.mark.parametrize("note", NOTHING)
@pytest.mark.parametrize("wording", ["", " ", "\u200b"])
def test_nothing_is_no_proof(shop: Program, note: str, wording: str) -> None:
    ann = person(email="ann@example.org", external_id="A1", out="email")
    ServiceFactory(slug="news")
    said = {"profile": "ext:A1", "note": note, "wording": wording, "source": "shop"}
    item = {**said, "action": "opt_in", "channel": "email"}
    (row,) = shop.post("consent", {"items": [item]}).data["items"]
    assert (row["status"], row["error"]["field"]) == ("failed", "note")
    ann.refresh_from_db()
    assert ann.no_longer_contact_email
    for way in ("subscribe", "unsubscribe"):
        begin = {"profile": "ext:A1", "service": "news", "action": way}
        shop.post("subscriptions", {"items": [begin]})
    for way in ("subscribe", "request"):
        again = {**said, "service": "news", "action": way}
        (row,) = shop.post("subscriptions", {"items": [again]}).data["items"]
        assert (row["status"], row["error"]["field"]) == ("failed", "note"), way


@pytest.mark.parametrize("note", NOTHING)
@pytest.mark.parametrize(
    "form",
    [
        {"allow_opt_in": "true"},
        {"revive": "true", "kind": "subscriptions", "service": "news"},
    ],
)
def test_a_file_needs_one_too(shop: Program, note: str, form: dict[str, Any]) -> None:
    ServiceFactory(slug="news")
    answer = shop.client.post(
        "/api/v1/imports",
        {
            "file": SimpleUploadedFile("p.csv", b"external_id\nA1\n"),
            "note": note,
            **form,
        },
        headers={"Authorization": f"Bearer {shop.secret}"},
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "note"
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize("note", ["asked", "電話で", "2026-01-31"])
def test_a_note_in_any_script_is_one(shop: Program, note: str) -> None:
    person(external_id="A1", out="email")
    item = {"profile": "ext:A1", "action": "opt_in", "channel": "email", "note": note}
    assert shop.post("consent", {"items": [item]}).data["changed"] == 1


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"label": "June"}, 409, "label"),
        ({"channel": "sms", "service": "news"}, 422, "service"),
        ({"purpose": "legal"}, 422, "purpose_note"),
    ],
)
def test_a_delivery_that_cannot_be_made_names_the_field(
    shop: Program, body: dict[str, Any], status: int, field: str
) -> None:
    ServiceFactory(slug="news")
    shop.post("deliveries", {"label": "June", "channel": "email"})
    answer = shop.post("deliveries", {"label": "July", "channel": "email", **body})
    assert answer.status_code == status
    assert answer.data["errors"][0]["field"] == field


def test_what_is_coded_or_asked_by_another_method_is_refused(shop: Program) -> None:
    coded = shop.post("profiles", {}, Content_Encoding="gzip")
    assert (coded.status_code, coded.data["errors"][0]["field"]) == (
        415,
        "Content-Encoding",
    )
    assert shop.post("profiles", {}, Content_Encoding="identity").status_code == 201
    for method in ("POST", "PUT", "DELETE"):
        answer = shop.call(method, "openapi.json")
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")
    blank = {"slug": "news", "label": "  ", "channel": "email"}
    assert shop.post("services", blank).status_code == 422
