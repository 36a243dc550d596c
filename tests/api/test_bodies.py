"""What a request says has one reading: nothing twice, nothing that cannot be kept."""

import json
from typing import Any

import pytest

from audiences.api.site import api
from audiences.models import Profile, Service
from tests.factories import ServiceFactory
from tests.people import person

from .conftest import Program
from .test_scopes import PLACES

pytestmark = pytest.mark.django_db


def sent(shop: Program, method: str, path: str, body: bytes) -> Any:
    """The answer to a body as it stands."""
    answer: Any = shop.client.generic(
        method,
        f"/api/v1/{path}",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {shop.secret}"},
    )
    answer.data = json.loads(answer.content) if answer.content else None
    return answer


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("profiles", b'{"external_id": "A", "external_id": "B"}', "external_id"),
        # The same key in other letters of JSON.
        ("profiles", b'{"external_id": "A", "external_\\u0069d": "B"}', "external_id"),
        (
            "consent",
            b'{"items": [{"profile": "id:1", "action": "opt_out", "action": "opt_in",'
            b' "channel": "email", "note": "x"}]}',
            "items.0.action",
        ),
        (
            "audiences",
            b'{"name": "a", "condition": {"x": [{"y": 1, "y": 2}]}}',
            "condition.x.0.y",
        ),
        ("nothing/there", b'{"a": 1, "a": 1}', ""),
    ],
)
def test_two_equal_keys_in_an_object_are_refused(
    shop: Program, path: str, body: bytes, key: str
) -> None:
    answer = sent(shop, "POST", path, body)
    assert answer["Content-Type"] == "application/problem+json"
    if not key:
        assert answer.status_code == 404
        return
    assert (answer.status_code, answer.data["code"]) == (422, "repeated_key")
    assert answer.data["errors"][0]["field"] == key
    assert not Profile.objects.exists()


def test_no_call_takes_a_key_twice(shop: Program) -> None:
    tried = 0
    for path, methods in api.get_openapi_schema()["paths"].items():
        place = path.removeprefix("/api/v1/").format(**PLACES)
        if path.endswith("/addresses"):
            place += "?channel=email&address=ann@example.org"
        for method, call in methods.items():
            if method == "get" or "multipart/form-data" in str(call):
                continue
            where = place.partition("?")[0] if method == "post" else place
            answer = sent(shop, method.upper(), where, b'{"a": 1, "a": 2}')
            assert answer.status_code == 422, (method, path, answer.content)
            assert answer.data["code"] == "repeated_key", (method, path)
            tried += 1
    assert tried > 30


def test_many_keys_take_no_longer_to_tell_apart(shop: Program) -> None:
    names = ",".join(f'"k{n}": 1' for n in range(100_000))
    answer = sent(shop, "POST", "profiles", f'{{{names}, "k1": 2}}'.encode())
    assert answer.data["errors"][0]["field"] == "k1"


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_is_no_number_of_json_is_refused(shop: Program, number: bytes) -> None:
    body = b'{"name": "a", "condition": {"x": ' + number + b"}}"
    answer = sent(shop, "POST", "audiences", body)
    assert (answer.status_code, answer.data["code"]) == (400, "bad_request")


@pytest.mark.parametrize("escape", [rb"\u0000", rb"\ud800", rb"\udc00\ud800"])
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("profiles", b'{"first_name": "A%s"}', "first_name"),
        ("profiles", b'{"A%s": 1}', "A"),
        ("audiences", b'{"name": "a", "condition": {"node": "A%s"}}', "condition.node"),
        (
            *("audiences/count", b'{"condition": {"node": {"B": ["A%s"]}}}'),
            "condition.node.B.0",
        ),
    ],
)
def test_a_text_that_cannot_be_kept_is_refused(
    shop: Program, path: str, body: bytes, field: str, escape: bytes
) -> None:
    answer = sent(shop, "POST", path, body % escape)
    assert (answer.status_code, answer.data["code"]) == (422, "bad_character")
    assert (
        answer.data["errors"][0]["field"].rstrip("\N{REPLACEMENT CHARACTER}") == field
    )
    assert answer.data["remedy"]


def test_a_text_that_only_speaks_of_nul_is_kept(shop: Program) -> None:
    for text in (rb"\\u0000", rb"\ud83d\ude00"):
        answer = sent(shop, "POST", "profiles", b'{"first_name": "A%s"}' % text)
        assert answer.status_code == 201, answer.content
    assert {*Profile.objects.values_list("first_name", flat=True)} == {
        r"A\u0000",
        "A\U0001f600",
    }


def test_a_parameter_is_there_once(shop: Program) -> None:
    path = "profiles?dry_run=true&dry_run=false"
    answer = sent(shop, "POST", path, b'{"external_id": "A"}')
    assert (answer.status_code, answer.data["code"]) == (422, "repeated_parameter")
    assert answer.data["errors"][0]["field"] == "dry_run"
    assert not Profile.objects.exists()
    ServiceFactory(slug="news")
    assert shop.get("services?limit=1&limit=2").status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"force": true}', "force"),
        (b"[]", "body"),
        (b'"now"', "body"),
        (b"{", "body"),
        (b'{"a": 1, "a": 2}', "a"),
    ],
)
def test_a_call_that_takes_nothing_refuses_what_it_would_not_read(
    shop: Program, body: bytes, field: str
) -> None:
    person(external_id="A1", email="ann@example.org")
    place = "profiles/ext:A1/addresses?channel=email&address=ann@example.org"
    answer = sent(shop, "DELETE", place, body)
    assert answer.status_code in (400, 422)
    assert answer.data["errors"][0]["field"] == field
    assert Profile.objects.get().addresses.count() == 1
    for nothing in (b"", b"{}"):
        assert sent(shop, "DELETE", place, nothing).status_code in (204, 404)


def test_a_number_in_quotes_is_no_number(shop: Program) -> None:
    Service.objects.create(slug="news", label="News", channel="email")
    for body in (
        b'{"validity_days": "30"}',
        b'{"validity_days": 30.5}',
        b'{"validity_days": true}',
        b'{"double_opt_in": 1}',
        b'{"double_opt_in": "true"}',
        b'{"label": 5}',
        b'{"validity_days": ' + b"9" * 5_000 + b"}",
    ):
        answer = sent(shop, "PATCH", "services/news", body)
        assert answer.status_code in (400, 422), body
        assert answer.data["errors"], body


@pytest.mark.parametrize(
    ("method", "path", "parameters"),
    [
        ("GET", "services/news?service=other", "none"),
        ("GET", "profiles/id:1?profile=id:2", "none"),
        ("PATCH", "services/news?service=other", "dry_run"),
        ("GET", "deliveries/id:1/explain?delivery=id:2&profile=id:1", "profile"),
        ("GET", "endpoints/1/calls?number=2", "cursor, limit, state"),
    ],
)
def test_what_the_path_names_is_no_parameter(
    shop: Program, method: str, path: str, parameters: str
) -> None:
    """Nobody would read it: it is refused like any other that is not known."""
    body = {"label": "News"} if method == "PATCH" else None
    refused = shop.call(method, path, body)
    assert refused.status_code == 422
    assert refused.data["code"] == "unknown_parameter"
    assert refused.data["remedy"] == f"Parameters: {parameters}."
