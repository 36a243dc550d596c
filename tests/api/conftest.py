"""A program that calls the API, as the tests see it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audiences import api_keys
from audiences.api_keys import limits
from audiences.api_keys.scopes import SCOPES
from delivery.sending import contactable

from .described import strays


class Program:
    """Calls with a key, and reads what is answered."""

    def __init__(self, secret: str, name: str) -> None:
        self.secret, self.name = secret, name
        self.client = Client()

    def call(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        """The answer, with `data` as what its body says."""
        given = {"Authorization": f"Bearer {self.secret}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        body = b"" if data is None else json.dumps(data).encode()
        kind = "application/json" if data is not None else ""
        answer: Any = self.client.generic(
            method, f"/api/v1/{path}", body, content_type=kind, headers=given
        )
        is_json = "json" in answer.get("Content-Type", "")
        answer.data = json.loads(answer.content) if is_json and answer.content else None
        assert not strays(method, f"/api/v1/{path}", answer), "as it is described"
        return answer

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, data: Any = None, **headers: str) -> Any:
        return self.call("POST", path, {} if data is None else data, **headers)

    def patch(self, path: str, data: Any, **headers: str) -> Any:
        return self.call("PATCH", path, data, **headers)


@pytest.fixture(autouse=True)
def _no_question_before() -> None:
    """What was composed for another test is not asked in this one."""
    contactable.forget()


@pytest.fixture
def program(db: None) -> Callable[..., Program]:
    """Makes a program with a key of these scopes; all of them unless named."""
    limits._taken.clear()

    def make(*scopes: str, name: str = "shop", **facts: Any) -> Program:
        shown = api_keys.create(name, scopes or SCOPES, **facts)
        return Program(shown.secret, name)

    return make


@pytest.fixture
def shop(program: Callable[..., Program]) -> Program:
    """A program that may do everything."""
    return program()
