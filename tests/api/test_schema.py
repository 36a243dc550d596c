"""The description is true: what it allows is answered as it says, the rest refused."""

import os
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
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


@pytest.fixture
def world(program: Any) -> Program:
    """Somebody and something under the names that calls may guess."""
    ServiceFactory(slug="news")
    person(email="ann@example.org", external_id="1")
    membership.everyone()
    deliveries.create("June", channel="email")
    return program(rate=1_000_000)


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
    case.validate_response(answer, checks=CHECKS)
