"""Every resource with each scope, and what a key must be to count."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audiences import api_keys
from audiences.api.site import api
from audiences.api_keys import BadKey, limits
from audiences.api_keys.scopes import SCOPES, BadScope
from audiences.models import ApiKey, ApiSecret

from .conftest import Program

# A value for each place in an address.
PLACES = {
    "profile": "id:1",
    "slug": "news",
    "name": "everyone",
    "delivery": "id:1",
    "number": "1",
    "job": "import:1",
    "endpoint": "1",
}


def calls() -> list[tuple[str, str, str]]:
    """Every call of the API: its method, its path and its scope."""
    found = []
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, call in methods.items():
            place = path.removeprefix("/api/v1/").format(**PLACES)
            found.append((method.upper(), place, call["x-scope"]))
    return found


def test_every_scope_has_a_call_and_every_call_a_scope() -> None:
    scopes = {scope for _method, _path, scope in calls()}
    assert scopes == {*SCOPES}


def test_a_key_opens_what_its_scope_says_and_nothing_else(
    program: Callable[..., Program],
) -> None:
    """Not allowed is 403, whatever is asked; allowed is anything but that."""
    keys = {scope: program(scope, name=scope, rate=10_000) for scope in SCOPES}
    for method, path, scope in calls():
        resource, _colon, verb = scope.partition(":")
        for held, key in keys.items():
            status = key.call(method, path, {}).status_code
            may = held == scope or (verb == "read" and held == f"{resource}:write")
            assert (status != 403) == may, (method, path, held, status)
            assert status not in (401, 500), (method, path, held)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer ck_0_ü", "Bearer " + "a" * 999],
)
def test_without_a_key_nothing_is_said(shop: Program, header: str) -> None:
    headers = {"Authorization": header.encode().decode("latin-1")} if header else {}
    answer = shop.client.get("/api/v1/services", headers=headers)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"


def test_a_secret_is_kept_as_a_hash_and_ends(shop: Program) -> None:
    assert shop.get("services").status_code == 200
    key = ApiKey.objects.get()
    assert key.last_used_at
    kept = ApiSecret.objects.get()
    assert shop.secret not in str(vars(kept))
    assert len(kept.digest) == 64
    other = Program(f"{kept.prefix}_{'x' * 43}", "forged")
    assert other.get("services").status_code == 401
    ApiKey.objects.update(expires_at=timezone.now())
    assert shop.get("services").status_code == 401


def test_a_rotated_key_has_two_secrets_for_a_while(shop: Program) -> None:
    key = ApiKey.objects.get()
    newer = Program(api_keys.rotate(key).secret, "shop")
    assert {p.get("services").status_code for p in (shop, newer)} == {200}
    ApiSecret.objects.filter(expires_at__isnull=False).update(expires_at=timezone.now())
    assert shop.get("services").status_code == 401
    assert newer.get("services").status_code == 200
    newest = Program(api_keys.rotate(key, overlap=timedelta(0)).secret, "shop")
    assert newer.get("services").status_code == 401
    assert api_keys.revoke(key)
    assert not api_keys.revoke(key)
    assert newest.get("services").status_code == 401
    with pytest.raises(BadKey):
        api_keys.rotate(key)


def test_a_key_may_be_bound_to_networks(program: Callable[..., Program]) -> None:
    near = program(name="near", networks=["127.0.0.0/8"])
    far = program(name="far", networks=["192.0.2.0/24", "2001:db8::/32"])
    assert near.get("services").status_code == 200
    assert far.get("services").status_code == 401


def test_a_key_that_asks_too_often_waits(program: Callable[..., Program]) -> None:
    busy = program(name="busy", rate=3)
    statuses = [busy.get("services").status_code for _n in range(4)]
    assert statuses == [200, 200, 200, 429]
    limits._taken.clear()  # another process asks the same count
    answer = busy.get("services")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) <= 60
    assert answer["RateLimit"].startswith('"key";r=0;t=')
    assert answer["RateLimit-Policy"] == '"key";q=3;w=60'


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"scopes": ["people:read"]}, BadScope),
        ({"scopes": []}, BadScope),
        ({"name": " "}, BadKey),
        ({"days": 0}, BadKey),
        ({"networks": ["home"]}, BadKey),
        ({"rate": 0}, BadKey),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    facts: dict[str, Any], error: type[Exception]
) -> None:
    given: dict[str, Any] = {"name": "x", "scopes": ["consent:read"]} | facts
    with pytest.raises(error):
        api_keys.create(given.pop("name"), given.pop("scopes"), **given)


def test_a_role_stands_for_scopes(db: None) -> None:
    made = api_keys.create("view", ["viewer"]).key
    assert "consent:read" in made.scopes
    assert not [scope for scope in made.scopes if scope.endswith(":write")]
    assert "profiles:read" not in made.scopes, "who may not see addresses"
