"""Every call that writes can be tried: it answers, and not a row is another one."""

from typing import Any

import pytest
from django.apps import apps
from django.core import mail

from audiences.api.site import api
from audiences.models import ApiKey, ApiUse, Endpoint

from .conftest import Program
from .writing_calls import bodies, places, send

pytestmark = pytest.mark.django_db
# What is counted of a key whatever it asks.
NOT_COMPARED = (ApiKey, ApiUse)
__all__ = ["places"]


def _rows() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    return {
        model._meta.label: [*model._base_manager.order_by("pk").values_list()]
        for model in apps.get_models()
        if model not in NOT_COMPARED
    }


def test_no_call_that_is_tried_changes_a_row(
    shop: Program, places: dict[str, Any], django_capture_on_commit_callbacks: Any
) -> None:
    calls = bodies(places)
    writing_calls = {
        (method.upper(), path.removeprefix("/api/v1/"))
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method, call in methods.items()
        if call["x-scope"].endswith(":write")
    }
    assert calls.keys() == writing_calls, "a call that writes is tried here too"
    before, mails = _rows(), len(mail.outbox)
    with django_capture_on_commit_callbacks() as woken:
        for (method, _path), (path, body) in calls.items():
            key = f"{method}{path}"
            answer = send(shop, method, path, body, "dry_run=true", Idempotency_Key=key)
            assert answer.status_code < 300, (method, path, answer.content)
            assert answer["Dry-Run"] == "true", (method, path)
            assert "Location" not in answer, (method, path)
            if b'"failed":' in answer.content:
                assert b'"failed":0' in answer.content, (path, answer.content)
    assert (woken, len(mail.outbox)) == ([], mails), "nobody is told of it"
    after = _rows()
    assert {name for name in before if before[name] != after[name]} == set()
    assert Endpoint.objects.get().state == "active"
