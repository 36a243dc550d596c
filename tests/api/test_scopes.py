"""Every resource with each scope, and what a key must be to count."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Value
from django.db.models.functions import Concat
from django.utils import timezone

from audiences import addresses, api_keys, consent, endpoints, suppression
from audiences.api.site import api
from audiences.api_keys import BadKey, limits
from audiences.api_keys.scopes import SCOPES, BadScope
from audiences.consent import Origin
from audiences.imports import runs
from audiences.models import (
    ApiKey,
    ApiSecret,
    Endpoint,
    EndpointCall,
    ImportRun,
    PrivacyRequest,
    Profile,
)
from audiences.privacy import requests
from delivery.models import Delivery, Sending
from tests.privacy import everything

from .conftest import Program

# A value for each place in an address.
PLACES = {
    "profile": "id:1",
    "service": "news",
    "audience": "everyone",
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


@pytest.mark.one_database
def test_a_key_opens_what_its_scope_says_and_nothing_else(
    program: Callable[..., Program],
) -> None:
    """Not allowed is 403, whatever is asked; allowed is anything but that.

    Each call is asked with its scope alone, with the one that holds it, and with all
    the others.
    """
    keys: dict[tuple[str, ...], Program] = {}

    def ask(method: str, path: str, scopes: tuple[str, ...]) -> int:
        if scopes not in keys:
            keys[scopes] = program(*scopes, name=f"key {len(keys)}", rate=10_000)
        return int(keys[scopes].call(method, path, {}).status_code)

    for method, path, scope in calls():
        writes = f"{scope.partition(':')[0]}:write"
        holding = tuple(s for s in SCOPES if s in (scope, writes))
        for held in {(scope,), holding, (holding[-1],)}:
            assert ask(method, path, held) not in (401, 403, 500), (method, path, held)
        others = tuple(s for s in SCOPES if s not in holding)
        assert ask(method, path, others) == 403, (method, path)


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


# What a call must be asked, besides the names in its address.
ASKED = {
    "consent": "profile={profile}",
    "consent/receipt": "profile={profile}",
    "suppressions": "channel=email&address={address}",
    "quarantine/address": "channel=email&address={address}",
    "deliveries/{delivery}/explain": "profile={profile}",
    "deliveries/{delivery}/outcomes": "which=excluded",
    "audiences/count": "",
}


def _everything_of(admin: Any) -> dict[str, list[Any]]:
    """A person whose addresses are in every text; what places there are to ask for."""
    made = everything.make(admin)
    # Another system may know people by their addresses.
    Profile.objects.update(external_id=Concat(Value(f"{everything.EMAIL}."), "id"))
    said = f"asked by {everything.EMAIL}, {everything.SMS}"
    consent.opt_out(made.profile, "email", Origin(source="operator", note=said))
    key = addresses.normalise("email", everything.OLD).key
    entry = suppression.Entry("email", key, "email", suppression.Reason.BY_HAND)
    suppression.suppress([entry], actor="eva", note=said)
    told = endpoints.create("https://crm.example.org/", ["consent.opted_out"]).endpoint
    Endpoint.objects.update(reason=said)
    EndpointCall.objects.create(endpoint=told, change="c1", name="x", answer=said)
    headless = f"{everything.EMAIL};x\n".encode()
    runs.upload(f"{everything.EMAIL}.csv", [headless], actor="eva")
    requests.record(made.profile, "access", said, actor="eva")
    Sending.objects.update(reason=said)
    imports = [*ImportRun.objects.values_list("pk", flat=True)]
    ImportRun.objects.update(error=said)
    return {
        "profile": [f"id:{made.profile.pk}"],
        "service": ["nieuws"],
        "audience": ["everyone"],
        "delivery": [
            f"id:{pk}" for pk in Delivery.objects.values_list("pk", flat=True)
        ],
        "imports": imports,
        "endpoints": [told.pk],
        "privacy-requests": [*PrivacyRequest.objects.values_list("pk", flat=True)],
        "job": [f"import:{pk}" for pk in imports],
    }


def _read_all(key: Program, places: dict[str, list[Any]]) -> dict[str, str]:
    """What every call that reads answers, by its path."""
    asked = {"profile": places["profile"][0], "address": everything.OLD}
    answers = {}
    for path, methods in api.get_openapi_schema()["paths"].items():
        place = path.removeprefix("/api/v1/")
        if "get" not in methods or methods["get"]["x-scope"] == "profiles:read":
            continue
        name = next(iter(re.findall(r"{(\w+)}", place)), "")
        resource = place.partition("/")[0] if name == "number" else name
        for value in places.get(resource, [""]):
            url = place.replace(f"{{{name}}}", str(value))
            answer = key.get(f"{url}?{ASKED.get(place, '').format(**asked)}")
            is_gone = answer.status_code == 409
            assert answer.status_code == 200 or is_gone, (url, answer.content)
            body = b"".join(answer) if answer.streaming else answer.content
            # What was asked for is said again.
            said = body.decode().replace(f'"address":"{everything.OLD}"', "")
            answers[url] = said
    return answers


@pytest.mark.one_database
def test_whole_addresses_are_in_no_answer_to_a_key_that_may_not_see_them(
    program: Callable[..., Program], admin_user: Any
) -> None:
    places = _everything_of(admin_user)
    reads = [s for s in SCOPES if s.endswith(":read") and s != "profiles:read"]
    whole = [everything.EMAIL, everything.EMAIL.lower(), everything.OLD]
    whole += [everything.SMS, everything.POST]

    def shown(key: Program) -> dict[str, list[str]]:
        answers = _read_all(key, places)
        return {
            url: [text for text in whole if text in said]
            for url, said in answers.items()
            if any(text in said for text in whole)
        }

    assert shown(program(*reads, name="blind", rate=10_000)) == {}
    seen = shown(program(*reads, "profiles:read", name="sees", rate=10_000))
    # The texts that are masked are there: a call that says none of them proves nothing.
    parts = ("consent", "imports", "endpoints", "quarantine", "messages", "jobs")
    for part in (*parts, "changes", "deliveries"):
        assert any(url.startswith(part) for url in seen), (part, seen.keys())


def test_a_role_stands_for_scopes(db: None) -> None:
    made = api_keys.create("view", ["viewer"]).key
    assert "consent:read" in made.scopes
    assert not [scope for scope in made.scopes if scope.endswith(":write")]
    assert "profiles:read" not in made.scopes, "who may not see addresses"
