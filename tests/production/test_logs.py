"""Logs say what happened, and not whom it was about."""

import io
import json
import logging
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings

from campaign.monitoring import middleware
from campaign.monitoring.logs import JsonLines, without_people


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the log of production gets of everything, however unimportant."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines())
    loggers = [logging.getLogger(name) for name in ("", "django", "campaign")]
    loggers += [
        logging.getLogger(f"django.{n}") for n in ("request", "server", "security")
    ]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield out
    for logger, level in before:
        logger.removeHandler(handler)
        logger.setLevel(level)


def parsed(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


@pytest.mark.django_db
def test_fifty_secrets_that_are_posted_are_in_no_line(
    client: Client, lines: io.StringIO
) -> None:
    hidden = [f"s3cret{secrets.token_hex(12)}" for _number in range(30)]
    people = [f"anna{number}@home{number}.example" for number in range(20)]
    places = ("/u/{}/", "/p/stop/{}/", "/p/your-data/{}/", "/admin/login/?next={}")
    for number, secret in enumerate([*hidden, *people]):
        path = places[number % len(places)].format(secret)
        client.post(path, {"username": secret, "password": secret, "email": secret})
        client.get(path, headers={"referer": f"https://x.example/{secret}"})
        client.get(
            "/nowhere/", {"token": secret}, headers={"host": f"{secret}.example"}
        )
    text = lines.getvalue()
    assert len(parsed(lines)) > 100
    assert [secret for secret in [*hidden, *people] if secret in text] == []


@pytest.mark.django_db
def test_each_request_has_a_line_with_its_route_and_id(
    client: Client, lines: io.StringIO
) -> None:
    answer = client.get("/admin/login/")
    found = [line for line in parsed(lines) if line["logger"] == "campaign.requests"]
    assert found[-1] | {"ms": 0, "time": ""} == {
        "time": "",
        "level": "INFO",
        "logger": "campaign.requests",
        "message": "request",
        "method": "GET",
        "route": "admin/login/",
        "status": 200,
        "ms": 0,
        "request_id": answer["X-Request-ID"],
    }
    at = datetime.fromisoformat(found[-1]["time"])
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert found[-1]["time"].endswith("+00:00"), "as RFC 3339 writes it"


@pytest.mark.django_db
@pytest.mark.parametrize(("proxies", "is_believed"), [(1, True), (0, False)])
def test_an_id_is_taken_over_only_from_a_proxy_of_ours(
    client: Client, proxies: int, is_believed: bool
) -> None:
    with override_settings(TRUSTED_PROXIES=proxies):
        answer = client.get(
            "/admin/login/", headers={"x-request-id": "abcdef0123456789"}
        )
        bad = client.get("/admin/login/", headers={"x-request-id": 'x"\n{}'})
    assert (answer["X-Request-ID"] == "abcdef0123456789") is is_believed
    assert len(bad["X-Request-ID"]) == 16


def test_an_error_says_where_and_not_what(lines: io.StringIO) -> None:
    try:
        raise ValueError("Key (email)=(anna@home.example) exists")
    except ValueError:
        logging.getLogger("campaign.x").exception("It failed.")
    line = parsed(lines)[-1]
    assert "ValueError" in line["exc_info"]
    assert "anna" not in json.dumps(line)


@pytest.mark.parametrize(
    "text",
    [
        "to anna@home.example now",
        "mailto:anna%40home.example",
        "+31612345678 called",
        "called 06 12345678",
        "0031 6 1234 5678",
        "Bearer sk1234567890abcdefghijklmnop",
    ],
)
def test_people_and_tokens_are_taken_out(text: str) -> None:
    assert "…" in without_people(text)
    assert "anna" not in without_people(text)
    assert "5678" not in without_people(text)


@pytest.mark.parametrize(
    "text",
    [
        "audiences.background.clock: waits",
        "2026-11-28T17:15:28+0000",
        "A statement took 12.5 s: SELECT a FROM audiences_profile WHERE id = %s",
        "seal_ledger ended with 143; restarts in 30 s",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert without_people(text) == text


@pytest.mark.django_db
def test_a_slow_statement_is_named_without_its_values(
    rf: Any, lines: io.StringIO
) -> None:
    with (
        override_settings(SLOW_SECONDS=0.0),
        connection.execute_wrapper(middleware._Statements(rf.get("/"))),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 'anna', %s", ["anna@home.example"])
    line = parsed(lines)[-1]
    assert line["logger"] == "campaign.slow"
    assert "SELECT '…', %s" in line["message"]
    assert "anna" not in json.dumps(line)
