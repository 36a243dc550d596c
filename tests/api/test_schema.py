"""The description is true: what it allows is answered as it says, the rest refused."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings as chosen
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from audiences import membership
from audiences.api.site import api
from delivery import deliveries
from tests.factories import ServiceFactory
from tests.people import person

from .conftest import Program

pytestmark = pytest.mark.django_db
schema = schemathesis.openapi.from_dict(api.get_openapi_schema())
schema.app = get_wsgi_application()
EXAMPLES = int(os.environ.get("API_EXAMPLES", "3"))
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


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


@pytest.mark.one_database
@schema.parametrize()
@chosen(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_every_call_is_as_described(case: Any, world: Program) -> None:
    case.headers["Authorization"] = f"Bearer {world.secret}"
    answer = case.call()
    checks = CHECKS
    if str(case.media_type or "").startswith("multipart/"):
        # A part is a text, whatever type was meant: nothing of it is wrong for sure.
        checks = [check for check in CHECKS if check is not negative_data_rejection]
    case.validate_response(answer, checks=checks)
