"""The description is true: what it allows is answered as it says, the rest refused.

Each call by itself, and calls after one another by the links between them.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, settings as chosen
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ensure_resource_availability,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    use_after_free,
)

from audiences import membership
from audiences.api.description.tables import LINKS
from audiences.api.site import api
from audiences.models import ImportRun
from delivery import deliveries
from tests.factories import ServiceFactory
from tests.people import person

from .conftest import Program

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
EXAMPLES = int(os.environ.get("API_EXAMPLES", "2"))
STEPS = int(os.environ.get("API_STEPS", "6"))
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# One piece of code reads these of every call: the calls of one resource try them.
SHARED = ("dry_run", "Idempotency-Key", "If-Match", "limit", "cursor")
TRIES_THEM = "/api/v1/services"


def _described() -> Any:
    """The description, with what all calls share in those of one resource alone."""
    found = api.get_openapi_schema()
    for path, calls in found["paths"].items():
        for call in calls.values():
            if not path.startswith(TRIES_THEM):
                given = call["parameters"]
                call["parameters"] = [p for p in given if p["name"] not in SHARED]
    return found


def _read(described: Any, **generation: Any) -> Any:
    """The description, to make calls of; other tests ask about keys and methods."""
    config = schemathesis.Config.from_dict(
        {
            "generation": {"with-security-parameters": False, **generation},
            "phases": {"coverage": {"unexpected-methods": ["PUT"]}},
        }
    )
    found = schemathesis.openapi.from_dict(described, config=config)
    found.app = get_wsgi_application()
    return found


schema = _read(_described())
# What chance can make: it writes no condition of an audience, and names nobody.
MADE = ("profiles_create", "services_create", "deliveries_create", "endpoints_create")
followed = _read(_described(), mode="positive").include(
    operation_id=[
        *MADE,
        *(name for made in MADE for name in LINKS[made].calls),
    ]
)
once = chosen(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """A call ends without closing the connection of the test, as Django's client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def world(program: Any) -> Program:
    """Somebody and something under the names that calls may guess."""
    ServiceFactory(slug="news")
    person(email="ann@example.org", external_id="1")
    membership.everyone()
    deliveries.create("June", channel="email")
    return program(rate=1_000_000)


@schema.parametrize()
@once
def test_every_call_is_as_described(case: Any, world: Program) -> None:
    case.headers["Authorization"] = f"Bearer {world.secret}"
    kept = ImportRun.objects.count()
    answer = case.call()
    if not str(case.media_type or "").startswith("multipart/"):
        case.validate_response(answer, checks=[*CHECKS, negative_data_rejection])
        return
    case.validate_response(answer, checks=CHECKS)
    if wrong := _wrong_part(case.body):
        assert 400 <= answer.status_code < 500, (wrong, answer.status_code)
        assert ImportRun.objects.count() == kept, wrong


def _wrong_part(body: Any) -> str:
    """What of a form must be refused; a part is a text, whatever type was meant."""
    calls = schema.raw_schema["paths"]["/api/v1/imports"]["post"]
    (content,) = calls["requestBody"]["content"].values()
    parts = content["schema"]["properties"]
    if not isinstance(body, dict) or "file" not in body:
        return "file"
    for name, value in body.items():
        about = parts.get(name)
        if about is None:
            return str(name)
        is_text = isinstance(value, str)
        if is_text and len(value) > about.get("maxLength", len(value)):
            return str(name)
        if is_text and about.get("type") == "boolean" and len(value) > len("false"):
            return str(name)
    return ""


def test_calls_that_follow_one_another_are_as_described(world: Program) -> None:
    """What one call has made the next ones name: it is there, until it is removed."""
    seen: set[str] = set()

    class Machine(followed.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            # Each chain begins in the same world, so that it can be repeated.
            self.before = transaction.savepoint()

        def teardown(self) -> None:
            transaction.savepoint_rollback(self.before)

        def before_call(self, case: Any) -> None:
            case.headers["Authorization"] = f"Bearer {world.secret}"

        def validate_response(self, response: Any, case: Any, **facts: Any) -> None:
            if response.status_code < 300:
                seen.add(case.operation.label)
            after = [use_after_free, ensure_resource_availability]
            case.validate_response(response, checks=[*CHECKS, *after])

    run_state_machine_as_test(
        Machine,
        settings=chosen(once, max_examples=12 * EXAMPLES, stateful_step_count=STEPS),
    )
    named = {label for label in seen if "{" in label}
    assert len(named) > 3, f"calls that name what another has made succeed: {seen}"
