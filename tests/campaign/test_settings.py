"""The environment arrives in the settings; production refuses to start half set."""

import json
import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "a-long-random-text-of-this-site-and-of-no-other-one",
    "ALLOWED_HOSTS": "news.example.org",
}
SHOW = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "campaign.settings"
from django.conf import settings
names = [name for name in dir(settings) if name.isupper()]
print(json.dumps({name: getattr(settings, name) for name in names}, default=str))
"""
BROKER = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "campaign.settings"
from campaign import celery_app
print(celery_app.conf.broker_url)
"""


def python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process with these variables and none of the tests' own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def settings_with(**variables: str) -> dict[str, Any]:
    done = python("-c", SHOW, **{"DEBUG": "1", **variables})
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


# ------------------------------------------------------------------ to start or not
@pytest.mark.parametrize("debug", ["0", "false", "off", "no"])
@pytest.mark.parametrize("key", [{}, {"SECRET_KEY": ""}], ids=["no key", "empty key"])
def test_production_without_a_secret_key_refuses_to_start(
    debug: str, key: dict[str, str]
) -> None:
    variables = {"DEBUG": debug, "ALLOWED_HOSTS": "news.example.org", **key}
    done = python("manage.py", "check", **variables)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "DEBUG is 0 and SECRET_KEY is not set" in last
    assert "token_urlsafe" in last
    assert done.stdout == ""


@pytest.mark.parametrize("debug", [{}, {"DEBUG": "0"}], ids=["nothing", "off"])
@pytest.mark.parametrize(
    "entry",
    [
        ("-c", "import campaign.wsgi"),
        ("-c", "import campaign.celery"),
        ("-m", "celery", "-A", "campaign", "report"),
        ("-m", "celery", "-A", "campaign", "worker", "--help"),
        ("-c", SHOW),
    ],
    ids=" ".join,
)
def test_entries_for_servers_never_start_with_the_key_that_everybody_knows(
    entry: tuple[str, ...], debug: dict[str, str]
) -> None:
    done = python(*entry, **debug)
    assert done.returncode != 0
    assert "SECRET_KEY is not set" in done.stdout + done.stderr


LOCAL = [
    ("check",),
    ("runserver", "--help"),
    ("runserver", "8123", "--help"),
    ("runserver", "127.0.0.1:8123", "--help"),
    ("runserver", "localhost:8123", "--help"),
    ("runserver", "[::1]:8123", "--help"),
]
NOT_LOCAL: list[tuple[tuple[str, ...], dict[str, str]]] = [
    (("runserver", "0.0.0.0:8123"), {}),
    (("runserver", "0:8123"), {}),
    (("runserver", "--noreload", "10.0.0.5:8123"), {}),
    (("runserver", "[::]:8123"), {}),
    (("runserver", "127.0.0.1.evil.example:8123"), {}),
    (("check",), {"BASE_URL": "https://news.example.org"}),
    (("send_outbox",), {"BASE_URL": "http://10.0.0.5"}),
]


@pytest.mark.parametrize("arguments", LOCAL, ids=" ".join)
def test_manage_is_in_debug_on_ones_own_machine(arguments: tuple[str, ...]) -> None:
    done = python("manage.py", *arguments)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("arguments", "variables"), NOT_LOCAL, ids=str)
def test_manage_is_not_in_debug_where_others_come(
    arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    done = python("manage.py", *arguments, **variables)
    assert done.returncode != 0
    assert "SECRET_KEY is not set" in done.stderr


WEAK = ["mine", "a" * 80, "abababab" * 10, "x" * 49, "0123456789" * 4]


@pytest.mark.parametrize("key", WEAK)
@pytest.mark.parametrize("name", ["SECRET_KEY", "LINK_KEYS", "SUPPRESSION_KEYS"])
def test_production_refuses_weak_keys(name: str, key: str) -> None:
    done = python("manage.py", "check", **{**PRODUCTION, name: key})
    assert done.returncode != 0
    assert f"{name} is too weak" in done.stderr


def test_every_link_key_is_strong() -> None:
    strong = "one-long-key-that-signs-links-and-nothing-else-at-all"
    assert settings_with(**PRODUCTION, LINK_KEYS=f"{strong}, {strong}2")[
        "LINK_KEYS"
    ] == [strong, f"{strong}2"]
    done = python("manage.py", "check", **PRODUCTION, LINK_KEYS=f"{strong},weak")
    assert "LINK_KEYS is too weak" in done.stderr


@pytest.mark.parametrize(
    "url", ["http://news.example.org", "http://10.0.0.5:8000", "http://[2001:db8::1]"]
)
def test_production_refuses_an_address_without_encryption(url: str) -> None:
    for entry in (("manage.py", "check"), ("-c", "import campaign.wsgi")):
        done = python(*entry, **PRODUCTION, BASE_URL=url)
        assert done.returncode != 0
        assert "BASE_URL" in done.stderr


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000"]
)
def test_production_may_be_tried_on_this_machine(url: str) -> None:
    assert python("manage.py", "check", **PRODUCTION, BASE_URL=url).returncode == 0


def test_production_with_a_key_and_hosts_passes_the_checks() -> None:
    done = python("manage.py", "check", **PRODUCTION)
    assert done.returncode == 0, done.stderr
    # What the operator may decide: http, SQLite, how mail leaves, erasing, and signing.
    for number in ("003", "005", "006", "007", "011", "012"):
        assert f"campaign.W{number}" in done.stderr
    assert "audiences.W005" in done.stderr
    assert "7 issues" in done.stderr


def test_production_that_is_fully_set_has_nothing_to_report() -> None:
    done = python(
        "manage.py",
        "check",
        "--fail-level=WARNING",
        **PRODUCTION,
        BASE_URL="https://news.example.org",
        DATABASE_URL="postgres://user:password@db.example/campaign",
        EMAIL_URL="smtp://mail.example.org",
        DEFAULT_FROM_EMAIL="news@news.example.org",
        SUPPRESSION_KEYS="one-long-key-that-hashes-addresses-and-nothing-else",
        LEDGER_KEY=b64encode(bytes(range(32))).decode(),
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_production_without_hosts_fails_the_checks() -> None:
    done = python("manage.py", "check", **{**PRODUCTION, "ALLOWED_HOSTS": ""})
    assert done.returncode == 1
    assert "campaign.E004" in done.stderr


def test_without_any_variable_everything_is_set_for_ones_own_machine() -> None:
    done = python("manage.py", "check", "--fail-level=WARNING")
    assert done.returncode == 0, done.stderr
    shown = settings_with()
    assert shown["DEBUG"] is True
    assert shown["SECRET_KEY"]
    assert shown["ALLOWED_HOSTS"] == ["*"]
    assert shown["BASE_URL"] == "http://127.0.0.1:8000"
    assert (shown["TIME_ZONE"], shown["LANGUAGE_CODE"]) == ("UTC", "en")
    assert shown["PHONE_REGION"] == ""
    database = shown["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.sqlite3"
    assert Path(database["NAME"]) == ROOT / "var" / "campaign.sqlite3"
    assert shown["CELERY_BROKER_URL"] == "filesystem://"
    assert shown["CELERY_BROKER_FOLDERS"] == [f"{database['NAME']}-queue"]
    assert shown["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend"


# ------------------------------------------------------------------ each variable
ARRIVES: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"DEBUG": "1"}, {"DEBUG": True, "ALLOWED_HOSTS": ["*"]}),
    (PRODUCTION, {"DEBUG": False, "SECRET_KEY": PRODUCTION["SECRET_KEY"]}),
    ({**PRODUCTION, "ALLOWED_HOSTS": ""}, {"ALLOWED_HOSTS": []}),
    ({"SECRET_KEY": "mine"}, {"SECRET_KEY": "mine"}),
    (
        {"SECRET_KEY_FALLBACKS": "old, older"},
        {"SECRET_KEY_FALLBACKS": ["old", "older"]},
    ),
    ({"SECRET_KEY_FALLBACKS": ""}, {"SECRET_KEY_FALLBACKS": []}),
    ({"EDIT_LINK_DAYS": "3"}, {"EDIT_LINK_DAYS": 3}),
    ({}, {"LINK_KEYS": [], "SECOND_FACTOR": "optional"}),
    ({**PRODUCTION}, {"SECOND_FACTOR": "administrators"}),
    ({"SECOND_FACTOR": "everybody"}, {"SECOND_FACTOR": "everybody"}),
    ({**PRODUCTION}, {"SUPPRESSION_KEYS": []}),
    ({"SUPPRESSION_KEYS": "new, old"}, {"SUPPRESSION_KEYS": ["new", "old"]}),
    ({"SIGN_IN_PER_NAME": "7"}, {"SIGN_IN_PER_NAME": 7}),
    ({"SIGN_IN_PER_NETWORK": "70"}, {"SIGN_IN_PER_NETWORK": 70}),
    ({"ADDRESS_SEARCHES": "5"}, {"ADDRESS_SEARCHES": 5}),
    ({"TRUSTED_PROXIES": "1"}, {"TRUSTED_PROXIES": 1}),
    (
        {"UNSUBSCRIBE_MAILBOX": "unsubscribe@a.example"},
        {"UNSUBSCRIBE_MAILBOX": "unsubscribe@a.example"},
    ),
    ({"ALLOWED_HOSTS": "a.example"}, {"ALLOWED_HOSTS": ["a.example"]}),
    (
        {"ALLOWED_HOSTS": "a.example,b.example"},
        {"ALLOWED_HOSTS": ["a.example", "b.example"]},
    ),
    ({"BASE_URL": "https://a.example"}, {"BASE_URL": "https://a.example"}),
    ({"BASE_URL": "https://a.example/x/"}, {"BASE_URL": "https://a.example/x"}),
    (
        {**PRODUCTION, "BASE_URL": "https://a.example"},
        {
            "CSRF_TRUSTED_ORIGINS": ["https://a.example"],
            "SESSION_COOKIE_SECURE": True,
            "CSRF_COOKIE_SECURE": True,
        },
    ),
    (
        {**PRODUCTION, "BASE_URL": "http://localhost"},
        {"SESSION_COOKIE_SECURE": False, "CSRF_COOKIE_SECURE": False},
    ),
    ({"PHONE_REGION": "NL"}, {"PHONE_REGION": "NL"}),
    ({"PHONE_REGION": "gb"}, {"PHONE_REGION": "GB"}),
    ({"TIME_ZONE": "Europe/Amsterdam"}, {"TIME_ZONE": "Europe/Amsterdam"}),
    ({"LANGUAGE_CODE": "nl"}, {"LANGUAGE_CODE": "nl"}),
    (
        {"CELERY_BROKER_URL": "redis://q.example:6379/2"},
        {"CELERY_BROKER_URL": "redis://q.example:6379/2", "CELERY_BROKER_FOLDERS": []},
    ),
    (
        {"EMAIL_URL": "smtp+tls://user:pass%40word@mail.example:587"},
        {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": "mail.example",
            "EMAIL_PORT": 587,
            "EMAIL_HOST_USER": "user",
            "EMAIL_HOST_PASSWORD": "pass@word",
            "EMAIL_USE_TLS": True,
        },
    ),
    ({"QUARANTINE_SOFT_THRESHOLD": "3"}, {"QUARANTINE_SOFT_THRESHOLD": 3}),
    ({"QUARANTINE_SOFT_INTERVAL_HOURS": "0"}, {"QUARANTINE_SOFT_INTERVAL_HOURS": 0}),
    ({"QUARANTINE_RELEASE_DAYS": "7"}, {"QUARANTINE_RELEASE_DAYS": 7}),
    ({"QUARANTINE_MAILBOX_FULL_DAYS": "9"}, {"QUARANTINE_MAILBOX_FULL_DAYS": 9}),
    ({"ANALYSIS_CHUNK_SIZE": "10000"}, {"ANALYSIS_CHUNK_SIZE": 10_000}),
]


@pytest.mark.parametrize(("variables", "expected"), ARRIVES, ids=" ".join)
def test_a_variable_arrives_in_the_settings(
    variables: dict[str, str], expected: dict[str, Any]
) -> None:
    shown = settings_with(**variables)
    assert {name: shown.get(name) for name in expected} == expected


def test_an_sqlite_file_arrives_with_safe_transactions(tmp_path: Path) -> None:
    file = tmp_path / "people.sqlite3"
    shown = settings_with(DATABASE_URL=f"sqlite:///{file}")
    database = shown["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.sqlite3"
    assert database["NAME"] == str(file)
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in database["OPTIONS"]["init_command"]
    assert shown["CELERY_BROKER_FOLDERS"] == [f"{file}-queue"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_postgresql_address_arrives_in_its_parts(scheme: str) -> None:
    url = f"{scheme}://els:p%40ss%2Fword@db.example:5433/people"
    database = settings_with(DATABASE_URL=url)["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    parts = ("NAME", "USER", "PASSWORD", "HOST", "PORT")
    assert [database[part] for part in parts] == [
        "people",
        "els",
        "p@ss/word",
        "db.example",
        5433,
    ]
    assert database["CONN_HEALTH_CHECKS"] is True
    assert "transaction_mode" not in database.get("OPTIONS", {})


@pytest.mark.parametrize(
    "url", ["redis://q.example:6379/2", "amqp://user@q.example//", "filesystem://"]
)
def test_the_broker_reaches_celery(url: str) -> None:
    done = python("-c", BROKER, DEBUG="1", CELERY_BROKER_URL=url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == url


# ------------------------------------------------------------------ known defects
def test_spaces_between_hosts_are_no_part_of_them() -> None:
    shown = settings_with(ALLOWED_HOSTS="a.example, b.example")
    assert shown["ALLOWED_HOSTS"] == ["a.example", "b.example"]


def test_a_secret_key_may_begin_with_a_dollar_sign() -> None:
    key = "$" + PRODUCTION["SECRET_KEY"]
    assert settings_with(**{**PRODUCTION, "SECRET_KEY": key})["SECRET_KEY"] == key


def test_production_refuses_the_local_key_among_the_keys_of_before_too() -> None:
    key = settings_with()["SECRET_KEY"]
    done = python("manage.py", "check", **PRODUCTION, SECRET_KEY_FALLBACKS=f"a,{key}")
    assert done.returncode != 0
    assert "SECRET_KEY_FALLBACKS" in done.stderr


def test_production_refuses_the_local_key_that_everybody_knows() -> None:
    key = settings_with()["SECRET_KEY"]
    done = python("manage.py", "check", **{**PRODUCTION, "SECRET_KEY": key})
    assert done.returncode != 0


def test_an_address_of_a_database_that_says_nothing_is_named() -> None:
    done = python("manage.py", "check", DATABASE_URL="campaign.sqlite3")
    assert done.returncode != 0
    assert "DATABASE_URL" in done.stderr.splitlines()[-1]
