"""The description: its examples hold, and its page asks this host alone."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from django.contrib.staticfiles import finders
from pydantic import BaseModel

from audiences import membership
from audiences.api.site import api
from delivery import deliveries
from tests.factories import ServiceFactory
from tests.people import person

from .conftest import Program
from .test_scopes import PLACES

pytestmark = pytest.mark.django_db
# What an address names is not there, or goes no further; what is asked is understood.
AS_THINGS_ARE = (404, 409)


def calls() -> Iterator[tuple[str, str, Any]]:
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, call in methods.items():
            yield path, method, call


def resolved(shape: Any) -> Any:
    """A shape by itself: what it refers to stands beside it."""
    parts = api.get_openapi_schema()["components"]["schemas"]
    return {**shape, "components": {"schemas": parts}}


def examples() -> list[tuple[str, str, Any, Any]]:
    """Each JSON body of the description, with its shape and its examples."""
    parts = api.get_openapi_schema()["components"]["schemas"]
    found = []
    for path, method, call in calls():
        content = call.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            shape = content["application/json"]["schema"]
            named = parts[shape["$ref"].rpartition("/")[2]]
            found.append((method, path, shape, named.get("examples", [])))
    return found


def test_each_body_has_an_example_that_its_shape_allows() -> None:
    assert len(examples()) > 20
    for method, path, shape, given in examples():
        assert given, (method, path)
        allowed = jsonschema_rs.validator_for(resolved(shape))
        for example in given:
            allowed.validate(example)
            assert not allowed.is_valid({**example, "unknown": 1}), (method, path)


def test_each_example_is_understood(shop: Program) -> None:
    ServiceFactory(slug="newsletter", label="Letter")
    person(email="ann@example.org", external_id="1001")
    membership.everyone()
    deliveries.create("Spring letter", channel="email")
    for method, path, _shape, given in examples():
        place = path.removeprefix("/api/v1/").format(**PLACES)
        is_act = "?dry_run=true" if "count" not in place else ""
        for example in given:
            tried = "" if place == "contactable" else is_act
            answer = shop.call(method.upper(), place + tried, example)
            is_done = answer.status_code < 300
            is_taken = "slug" in str(answer.data) and answer.status_code == 422
            assert is_done or is_taken or answer.status_code in AS_THINGS_ARE, (
                path,
                answer.content,
            )
            if is_done and "failed" in answer.data:
                assert answer.data["failed"] == 0, answer.data


def test_examples_of_fields_are_what_the_fields_take() -> None:
    def walk(shape: Any) -> Iterator[Any]:
        if isinstance(shape, dict):
            if "examples" in shape and isinstance(shape["examples"], list):
                yield shape
            for each in shape.values():
                yield from walk(each)
        elif isinstance(shape, list):
            for each in shape:
                yield from walk(each)

    found = [*walk(api.get_openapi_schema())]
    assert len(found) > 30
    for shape in found:
        plain = {k: v for k, v in shape.items() if k != "examples"}
        allowed = jsonschema_rs.validator_for(resolved(plain))
        for example in shape["examples"]:
            allowed.validate(example)


def test_two_shapes_have_two_names() -> None:
    """The description has one room for each name: the last would be told of both."""
    shapes: dict[str, set[str]] = {}

    def look(model: type[BaseModel]) -> None:
        for each in model.__subclasses__():
            if "api" in each.__module__.split("."):
                shapes.setdefault(each.__name__, set()).add(each.__module__)
            look(each)

    look(BaseModel)
    assert len(shapes) > 60
    assert {name: at for name, at in shapes.items() if len(at) > 1} == {}


def test_answers_and_parameters_say_what_they_are() -> None:
    for path, method, call in calls():
        for status, answer in call["responses"].items():
            assert answer["description"], (method, path, status)
        for each in call["parameters"]:
            assert each["description"], (method, path, each["name"])
            assert "null" not in str(each["schema"]), (method, path, each["name"])
        for content in call.get("requestBody", {}).get("content", {}).values():
            if "properties" in content["schema"]:
                assert {*content["example"]} <= {*content["schema"]["properties"]}


def test_parameters_have_what_openapi_gives_them() -> None:
    known = {"name", "in", "required", "schema", "description"}
    for path, method, call in calls():
        names = [(each["in"], each["name"]) for each in call["parameters"]]
        assert len(names) == len({*names}), (method, path)
        for each in call["parameters"]:
            assert {*each} <= known, (method, path)


def test_the_description_and_its_page_ask_no_other_host(shop: Program) -> None:
    described = shop.client.get("/api/v1/openapi.json")
    assert described.status_code == 200
    text = described.content.decode()
    assert json.loads(text)["openapi"].startswith("3.1")
    hosts = {*re.findall(r"https?://([\w.-]+)", text)}
    assert all(host.endswith("example.org") or host == "a.example" for host in hosts)
    page = shop.client.get("/api/v1/docs")
    assert page.status_code == 200
    html = page.content.decode()
    assert "http://" not in html
    assert "https://" not in html
    policy = page["Content-Security-Policy"]
    assert "'unsafe" not in policy.partition("style-src")[0]
    for rule in policy.split(";"):
        sources = rule.split()[1:]
        assert {*sources} <= {"'self'", "'none'", "data:"}, rule
    for name in re.findall(r'(?:src|href)="/static/([^"]+)"', html):
        assert finders.find(re.sub(r"\.[0-9a-f]{12}(\.\w+)$", r"\1", name)), name


def test_each_error_of_a_call_is_described() -> None:
    for path, method, call in calls():
        assert {"400", "401", "403", "422", "429", "500", "503"} <= {*call["responses"]}
        assert call["summary"].endswith((".", "…", ")")), (method, path)


def test_a_summary_is_plain_text_and_a_key_says_where_it_comes_from() -> None:
    described = api.get_openapi_schema()
    calls = [call for path in described["paths"].values() for call in path.values()]
    assert [call["summary"] for call in calls if "`" in call["summary"]] == []
    (scheme,) = described["components"]["securitySchemes"].values()
    assert "API keys" in scheme["description"]


def test_the_example_of_an_error_is_one(shop: Program) -> None:
    shape = api.get_openapi_schema()["components"]["schemas"]["Problem"]
    (example,) = shape["examples"]
    answer = shop.get("services?page=2")
    assert answer.data == example
    assert answer.status_code == example["status"]
