"""What goes wrong is a problem document, in words of the API, and tells no more."""

import json
import logging
from typing import Any

import pytest
from django.test import Client, override_settings

from audiences.api_keys.scopes import SCOPES
from audiences.profiles import writing
from delivery import deliveries
from tests.factories import ServiceFactory
from tests.people import person

from .conftest import Program

pytestmark = pytest.mark.django_db


def broken(*args: Any, **facts: Any) -> None:
    raise RuntimeError("the shelf ann@example.org is broken")


@pytest.mark.parametrize("debug", [True, False])
def test_what_nobody_foresaw_is_a_problem_with_the_id_that_the_log_has(
    shop: Program,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    debug: bool,
) -> None:
    monkeypatch.setattr(writing, "create", broken)
    shop.client = Client(raise_request_exception=False)
    logging.getLogger("django.request").addHandler(caplog.handler)
    try:
        with override_settings(DEBUG=debug):
            answer = shop.post("profiles", {"external_id": "A"}, Idempotency_Key="k")
    finally:
        logging.getLogger("django.request").removeHandler(caplog.handler)
    assert (answer.status_code, answer.data["status"]) == (500, 500)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["RateLimit"]
    for word in ("shelf", "ann@", "Traceback", "RuntimeError", ".py"):
        assert word not in answer.content.decode()
    number = answer["X-Request-ID"]
    assert answer.data["request"] == number
    assert number in answer.data["remedy"]
    told = [r for r in caplog.records if number in r.getMessage()]
    assert told
    assert told[0].exc_info
    assert told[0].exc_info[0] is RuntimeError
    monkeypatch.undo()
    again = shop.post("profiles", {"external_id": "A"}, Idempotency_Key="k")
    assert again.status_code == 201, "what failed is not kept under the key"


def test_a_fault_in_reading_is_one_too(
    shop: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "find", broken)
    shop.client = Client(raise_request_exception=False)
    for path in ("deliveries/June", "deliveries/June/status", "messages?delivery=1"):
        answer = shop.get(path)
        assert (answer.status_code, answer.data["code"]) == (
            500,
            "internal_server_error",
        )


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("GET", "services/none", None, "service"),
        ("GET", "subscriptions?service=none", None, "service"),
        ("GET", "audiences/none", None, "audience"),
        ("GET", "audiences/none/count", None, "audience"),
        ("GET", "deliveries/none", None, "delivery"),
        ("GET", "deliveries/none/content", None, "delivery"),
        ("GET", "messages?delivery=none", None, "delivery"),
        ("GET", "profiles/id:99", None, "profile"),
        ("POST", "deliveries", {"service": "none"}, "service"),
        ("POST", "deliveries", {"audience": "none"}, "audience"),
        ("POST", "deliveries", {"audience": "service:none"}, "service"),
        ("POST", "deliveries", {"typology": "none"}, "typology"),
        (
            *("POST", "contactable"),
            {"service": "none", "addresses": ["ann@example.org"]},
            "service",
        ),
    ],
)
def test_who_calls_gets_words_of_the_api(
    shop: Program, method: str, path: str, body: Any, field: str
) -> None:
    ServiceFactory(slug="secret-service")
    deliveries.create("Secret", channel="email")
    if path == "deliveries":
        body = {"label": "June", "channel": "email", **body}
    elif body is not None:
        body = {"channel": "email", **body}
    answer = shop.call(method, path, body)
    assert answer.status_code == 404, answer.content
    assert answer.data["errors"][0]["field"] == field
    assert answer.data["remedy"]
    text = answer.content.decode()
    for word in ("--", "list:FILE", "create_", "secret-service", "Secret"):
        assert word not in text, "no words of commands, and no names of other things"


def test_a_file_that_cannot_be_read_names_the_part_of_the_form(shop: Program) -> None:
    for form, word in (
        ({"sheet": "One"}, "sheet"),
        ({"encoding": "klingon"}, "encoding"),
    ):
        answer = _upload(shop, b"email\nann@example.org\n", **form)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == word
        assert "--" not in answer.content.decode()
    wide = _upload(shop, "email\nann@example.org\n".encode("utf-16-le"))
    assert wide.status_code == 422
    assert "--" not in wide.content.decode()


def _upload(shop: Program, text: bytes, **form: str) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    file = SimpleUploadedFile("people.csv", text)
    return shop.client.post(
        "/api/v1/imports",
        {"file": file, **form},
        headers={"Authorization": f"Bearer {shop.secret}"},
    )


def test_several_people_are_told_by_their_ids_alone(program: Any) -> None:
    for n in (1, 2):
        person(email="twin@example.org", external_id=f"own{n}@example.org")
    key = program(*(s for s in SCOPES if not s.startswith("profiles")))
    for path in (
        "consent?profile=twin@example.org",
        "subscriptions?profile=twin@example.org",
        "messages?profile=twin@example.org",
    ):
        answer = key.get(path)
        assert (answer.status_code, answer.data["code"]) == (409, "ambiguous")
        assert "own1" not in answer.content.decode()


def test_addresses_that_the_api_does_not_have_are_problems(shop: Program) -> None:
    for path in (
        "v1/",
        "v1/nothing",
        "v1/services/",
        "v1/../x",
        "v1",
        "v2/x",
        "",
        "v1//",
    ):
        for method in ("GET", "POST", "OPTIONS"):
            answer: Any = shop.client.generic(method, f"/api/{path}")
            assert (answer.status_code, answer["Content-Type"]) == (
                404,
                "application/problem+json",
            ), path
            assert json.loads(answer.content)["status"] == 404
    assert shop.get("profiles/ext:A/addresses/x").status_code == 404


def test_a_method_that_an_address_has_not_is_a_problem_everywhere() -> None:
    """Also of a browser that sends no token of a form."""
    client = Client(enforce_csrf_checks=True)
    for path in ("docs", "openapi.json", "services", "profiles/ext:A", "jobs/import:1"):
        for method in ("DELETE", "POST", "TRACE", "NONSENSE"):
            if (method, path) == ("POST", "services"):
                continue
            answer: Any = client.generic(method, f"/api/v1/{path}")
            assert answer.status_code == 405, (method, path, answer.content)
            assert answer["Content-Type"] == "application/problem+json"
            assert "GET" in answer["Allow"]
        asked = client.generic("OPTIONS", f"/api/v1/{path}")
        assert (asked.status_code, asked["Allow"]) == (204, answer["Allow"])
