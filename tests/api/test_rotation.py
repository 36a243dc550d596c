"""A key goes over to a new secret: for a while both count, then the former ends."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audiences.api_keys import limits
from audiences.consent import events_of
from audiences.models import ApiKey, ApiSecret, Endpoint, Profile
from delivery.models import QuarantineAction
from tests.people import person

from .conftest import Program

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"ck_[0-9a-f]{12}_[\w-]{43}")


def by_command(name: str, *options: str) -> str:
    out = StringIO()
    call_command("rotate_api_key", name, *options, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def by_console(name: str, admin_client: Client) -> str:
    key = ApiKey.objects.get(name=name)
    place = reverse("admin:audiences_apikey_rotate", args=[key.pk])
    answer = admin_client.post(place)
    assert answer.status_code == 200
    (secret,) = {*SECRET.findall(answer.content.decode())}
    return secret


@pytest.fixture
def made(admin_client: Client) -> tuple[Program, Program]:
    """A key made by command, and one made in the console."""
    limits._taken.clear()
    out = StringIO()
    call_command(
        *("create_api_key", "till", "--scopes", "administrator"),
        stdout=out,
        stderr=StringIO(),
    )
    answer = admin_client.post(
        reverse("admin:audiences_apikey_make"),
        {"name": "shop", "scopes": ["consent:write", "services:read"]},
    )
    (secret,) = {*SECRET.findall(answer.content.decode())}
    return Program(out.getvalue().strip(), "till"), Program(secret, "shop")


def count(who: Program) -> int:
    return int(who.get("services").status_code)


@pytest.mark.parametrize("door", ["command", "console"])
def test_both_secrets_count_until_the_former_ends(
    made: tuple[Program, Program],
    admin_client: Client,
    monkeypatch: pytest.MonkeyPatch,
    door: str,
) -> None:
    till, shop = made
    for former in (till, shop):
        secret = (
            by_command(former.name)
            if door == "command"
            else by_console(former.name, admin_client)
        )
        newer = Program(secret, former.name)
        assert secret != former.secret
        assert (count(former), count(newer)) == (200, 200)
        ends = ApiSecret.objects.get(
            prefix="_".join(former.secret.split("_")[:2])
        ).expires_at
        assert ends
        assert timedelta(hours=23) < ends - timezone.now() <= timedelta(days=1)
        with monkeypatch.context() as clock:
            clock.setattr(timezone, "now", lambda: ends - timedelta(seconds=1))  # noqa: B023
            assert (count(former), count(newer)) == (200, 200)
            clock.setattr(timezone, "now", lambda: ends)  # noqa: B023
            assert (count(former), count(newer)) == (401, 200)


def test_the_overlap_is_as_long_as_the_command_says(
    made: tuple[Program, Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    till, _shop = made
    second = Program(by_command("till", "--overlap", "2"), "till")
    third = Program(by_command("till", "--overlap", "48"), "till")
    assert [count(p) for p in (till, second, third)] == [200, 200, 200]
    now = timezone.now()
    with monkeypatch.context() as clock:
        clock.setattr(timezone, "now", lambda: now + timedelta(hours=3))
        assert [count(p) for p in (till, second, third)] == [401, 200, 200]
        clock.setattr(timezone, "now", lambda: now + timedelta(hours=49))
        assert [count(p) for p in (till, second, third)] == [401, 401, 200]
    fourth = Program(by_command("till", "--overlap", "0"), "till")
    assert [count(p) for p in (till, second, third, fourth)] == [401] * 3 + [200]


def test_what_either_secret_does_is_of_the_one_key(
    made: tuple[Program, Program], admin_client: Client
) -> None:
    """The same limit, the same kept answers, the same name in every history."""
    till, _shop = made
    newer = Program(by_console("till", admin_client), "till")
    ann, bob = person(email="ann@example.org"), person(email="bob@example.org")
    for who, one in ((till, ann), (newer, bob)):
        item = {"profile": f"id:{one.pk}", "action": "opt_out", "channel": "email"}
        assert who.post("consent", {"items": [item]}).data["changed"] == 1
        assert events_of(one.pk).get().evidence.actor == "api:till"
        box = {"channel": "email", "address": one.addresses.get().value}
        who.post("quarantine", box)
    assert {*QuarantineAction.objects.values_list("actor", flat=True)} == {"api:till"}
    one = till.post("profiles", {"external_id": "A"}, Idempotency_Key="k")
    two = newer.post("profiles", {"external_id": "A"}, Idempotency_Key="k")
    assert one.data == two.data
    assert two["Idempotency-Replayed"] == "true"
    left = [
        int(p.get("services")["RateLimit"].split(";")[1][2:]) for p in (till, newer)
    ]
    assert left[0] - left[1] == 1
    newer.post(
        "endpoints",
        {"url": "https://crm.example.org/", "events": ["consent.opted_out"]},
    )
    assert Endpoint.objects.get().created_by == "api:till"
    assert Profile.objects.filter(external_id="A").count() == 1


def test_the_console_says_who_rotated_and_shows_no_secret_twice(
    made: tuple[Program, Program], admin_client: Client, admin_user: Any
) -> None:
    secret = by_console("shop", admin_client)
    key = ApiKey.objects.get(name="shop")
    logged = LogEntry.objects.filter(object_id=key.pk, user=admin_user)
    assert logged.count() == 2, "it was made, and rotated"
    seen = admin_client.get(
        reverse("admin:audiences_apikey_change", args=[key.pk])
    ).content.decode()
    assert secret not in seen
    assert made[1].secret not in seen
    assert secret.rpartition("_")[0][:15] in seen
    assert ApiSecret.objects.filter(key=key).count() == 2


def test_a_key_that_has_ended_gets_no_new_secret(
    made: tuple[Program, Program], admin_client: Client
) -> None:
    till, shop = made
    newer = Program(by_command("till"), "till")
    call_command("revoke_api_key", "till", stdout=StringIO())
    assert (count(till), count(newer)) == (401, 401), "both secrets end with it"
    with pytest.raises(CommandError, match="revoked or has expired"):
        by_command("till")
    ApiKey.objects.filter(name="shop").update(expires_at=timezone.now())
    with pytest.raises(CommandError, match="revoked or has expired"):
        by_command("shop")
    place = reverse(
        "admin:audiences_apikey_rotate", args=[ApiKey.objects.get(name="shop").pk]
    )
    answer = admin_client.post(place, follow=True)
    assert not SECRET.search(answer.content.decode())
    assert count(shop) == 401
    with pytest.raises(CommandError, match="no key 'none'"):
        by_command("none")
