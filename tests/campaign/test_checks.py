"""Each misconfiguration has its system check, and a good setting is passed over."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import ERROR, WARNING, CheckMessage, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings

from campaign.number_checks import LEAST

ROOT = Path(settings.BASE_DIR)
SQLITE = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
POSTGRESQL = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "x"}}
SMTP = "django.core.mail.backends.smtp.EmailBackend"
CONSOLE = "django.core.mail.backends.console.EmailBackend"
TWILIO = {
    "SMS_GATEWAY": "delivery.transports.twilio.TwilioGateway",
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_AUTH_TOKENS": ["x" * 32],
}
GOOD: dict[str, Any] = {
    "DEBUG": False,
    "PHONE_REGION": "NL",
    "BASE_URL": "https://news.example.org",
    "ALLOWED_HOSTS": ["news.example.org"],
    "DATABASES": POSTGRESQL,
    "DEFAULT_FROM_EMAIL": "news@news.example.org",
    "EMAIL_BACKEND": SMTP,
    "SECOND_FACTOR": "administrators",
    "SUPPRESSION_KEYS": ["a key"],
}
# Django itself warns that changing DATABASES opens no other connection.
pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")


def found(**changes: Any) -> list[CheckMessage]:
    """What our checks say about good settings with these changes."""
    with override_settings(**{**GOOD, **changes}):
        return [
            message
            for message in run_checks()
            if str(message.id).startswith("campaign.")
        ]


BAD: list[tuple[str, dict[str, Any], str]] = [
    # (id, the setting, what the message or its hint names)
    ("campaign.E001", {"PHONE_REGION": "XX"}, "XX"),
    ("campaign.E001", {"PHONE_REGION": "nl"}, "nl"),
    ("campaign.E001", {"PHONE_REGION": "NLD"}, "NLD"),
    ("campaign.E001", {"PHONE_REGION": "+31"}, "+31"),
    ("campaign.E002", {"QUARANTINE_SOFT_THRESHOLD": 0}, "QUARANTINE_SOFT_THRESHOLD"),
    ("campaign.E002", {"QUARANTINE_SOFT_INTERVAL_HOURS": -1}, "SOFT_INTERVAL_HOURS"),
    ("campaign.E002", {"ANALYSIS_CHUNK_SIZE": 0}, "ANALYSIS_CHUNK_SIZE"),
    ("campaign.E002", {"ANALYSIS_CHUNK_SIZE": -5}, "-5"),
    ("campaign.E003", {"BASE_URL": ""}, "BASE_URL"),
    ("campaign.E003", {"BASE_URL": "news.example.org"}, "news.example.org"),
    ("campaign.E003", {"BASE_URL": "//news.example.org"}, "BASE_URL"),
    ("campaign.E003", {"BASE_URL": "ftp://news.example.org"}, "ftp:"),
    ("campaign.E003", {"BASE_URL": "https://"}, "BASE_URL"),
    ("campaign.E003", {"BASE_URL": "https:news.example.org"}, "BASE_URL"),
    ("campaign.W003", {"BASE_URL": "http://news.example.org"}, "https"),
    ("campaign.E004", {"ALLOWED_HOSTS": []}, "ALLOWED_HOSTS"),
    ("campaign.W005", {"DATABASES": SQLITE}, "DATABASE_URL"),
    ("campaign.E009", {"SMS_GATEWAY": "nothing.Here"}, "nothing.Here"),
    ("campaign.E009", {"SMS_GATEWAY": "audiences.sms.Refused"}, "no class with send"),
    ("campaign.E009", {"SMS_GATEWAY": ""}, "SMS_GATEWAY"),
    ("campaign.E024", {"TWILIO_FROM": "", **TWILIO}, "TWILIO_FROM"),
    (
        "campaign.E025",
        {"VAPID_PRIVATE_KEY": "no key", "VAPID_CONTACT": "mailto:a@example.org"},
        "VAPID_PRIVATE_KEY",
    ),
    ("campaign.E026", {"TRIAL_RECIPIENTS": ["nonsense"]}, "nonsense"),
    ("campaign.W010", {"TRIAL_RECIPIENTS": ["a@b.example", "@c.example"]}, "2 entries"),
    ("campaign.E010", {"SECOND_FACTOR": "nobody"}, "nobody"),
    ("campaign.W008", {"SECOND_FACTOR": "optional"}, "administrators"),
    *(
        ("campaign.E008", {"UNSUBSCRIBE_MAILBOX": mailbox}, "unsubscribe@example.org")
        for mailbox in (
            *("unsubscribe", "a@b", "@example.org", "a b@example.org"),
            *("a-very-long-mailbox@example.org", "a@example.org>\r\nBcc: x@y.example"),
        )
    ),
    ("campaign.W006", {"DEFAULT_FROM_EMAIL": "campaign@localhost"}, "@localhost"),
    ("campaign.W007", {"EMAIL_BACKEND": CONSOLE}, "EMAIL_URL"),
    ("campaign.W012", {"ALLOWED_HOSTS": ["other.example"]}, "news.example.org"),
    ("campaign.W011", {"SUPPRESSION_KEYS": []}, "erased"),
]
FINE: list[dict[str, Any]] = [
    {"UNSUBSCRIBE_MAILBOX": "unsubscribe@news.example.org"},
    {},
    {"PHONE_REGION": ""},
    {"PHONE_REGION": "GB"},
    {"QUARANTINE_SOFT_THRESHOLD": 1},
    {"QUARANTINE_SOFT_INTERVAL_HOURS": 0},
    {"QUARANTINE_RELEASE_DAYS": 1},
    {"QUARANTINE_MAILBOX_FULL_DAYS": 1},
    {"ANALYSIS_CHUNK_SIZE": 1},
    {"BASE_URL": "https://news.example.org:8443/campaign"},
    {"ALLOWED_HOSTS": ["*"]},
    {"ALLOWED_HOSTS": [".example.org"]},
    # What production must not do is fine on one's own machine.
    {"DEBUG": True, "BASE_URL": "http://127.0.0.1:8000"},
    {"DEBUG": True, "ALLOWED_HOSTS": []},
    {"DEBUG": True, "DATABASES": SQLITE},
    {"DEBUG": True, "DEFAULT_FROM_EMAIL": "campaign@localhost"},
    {"DEBUG": True, "EMAIL_BACKEND": CONSOLE},
    {"DEBUG": True, "SUPPRESSION_KEYS": []},
]


def named(setting: Any) -> str:
    return str(setting) if isinstance(setting, str | dict) else ""


@pytest.mark.parametrize(("id", "setting", "words"), BAD, ids=named)
def test_a_bad_setting_is_found_with_its_id_and_a_remedy(
    id: str, setting: dict[str, Any], words: str
) -> None:
    (message,) = found(**setting)
    assert message.id == id
    assert message.level == (ERROR if id[-4] == "E" else WARNING)
    assert words in message.msg + str(message.hint)
    # An operator knows it by the name of its variable.
    variables = {"DATABASES": "DATABASE_URL", "EMAIL_BACKEND": "EMAIL_URL"}
    name = next(iter(setting))
    assert variables.get(name, name) in message.msg + str(message.hint)
    assert message.hint


@pytest.mark.parametrize("setting", FINE, ids=named)
def test_nothing_is_said_about_a_good_setting(setting: dict[str, Any]) -> None:
    assert found(**setting) == []


def test_an_http_address_and_a_bad_one_are_not_both_reported() -> None:
    assert [message.id for message in found(BASE_URL="http://")] == ["campaign.E003"]


def test_each_number_of_the_settings_has_a_least() -> None:
    """And each that is less is named, with the variable that the operator sets."""
    source = (ROOT / "campaign" / "settings.py").read_text(encoding="utf-8")
    numbers = re.findall(r'_(?:number|decimal)\(\s*"(\w+)"', source)
    assert sorted(numbers) == sorted(LEAST)
    less = {name: least - 1 for name, least in LEAST.items()}
    told = [m for m in found(**less) if m.id == "campaign.E002"]
    assert [message.msg.split()[0] for message in told] == list(LEAST)
    assert all(str(LEAST[m.msg.split()[0]]) in str(m.hint) for m in told)


def test_every_bad_setting_is_reported_not_only_the_first() -> None:
    wrong = [
        {"PHONE_REGION": "XX"},
        {"QUARANTINE_SOFT_THRESHOLD": 0},
        {"QUARANTINE_RELEASE_DAYS": 0},
        {"BASE_URL": ""},
        {"ALLOWED_HOSTS": []},
        {"DATABASES": SQLITE},
    ]
    together = {name: value for each in wrong for name, value in each.items()}
    assert sorted(str(message.id) for message in found(**together)) == [
        "campaign.E001",
        "campaign.E002",
        "campaign.E002",
        "campaign.E003",
        "campaign.E004",
        "campaign.W005",
    ]


@pytest.mark.parametrize(("id", "setting"), [case[:2] for case in BAD], ids=named)
def test_check_stops_at_an_error_and_goes_on_at_a_warning(
    id: str, setting: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with override_settings(**{**GOOD, **setting}):
        if id.startswith("campaign.E"):
            with pytest.raises(SystemCheckError, match=re.escape(id)):
                call_command("check")
        else:
            call_command("check")
            assert id in capsys.readouterr().err


def test_an_address_that_cannot_be_read_is_found_too() -> None:
    assert [m.id for m in found(BASE_URL="https://[news")] == ["campaign.E003"]


def test_an_address_without_a_host_is_found_too() -> None:
    assert [m.id for m in found(BASE_URL="https://:8443")] == ["campaign.E003"]


def test_the_settings_of_the_tests_have_no_error() -> None:
    messages = [m for m in run_checks() if str(m.id).startswith("campaign.E")]
    assert messages == []
    assert settings.PHONE_REGION in ("", "NL")


LEDGER: list[tuple[str, dict[str, Any]]] = [
    ("audiences.W005", {"LEDGER_KEY": ""}),
    ("audiences.E005", {"LEDGER_KEY": "short"}),
    ("audiences.E005", {"LEDGER_KEY": "AAAA"}),
    ("audiences.E006", {"LEDGER_KEY": "A" * 43 + "=", "LEDGER_FORMER_KEYS": ["x"]}),
]


@pytest.mark.parametrize(("id", "setting"), LEDGER, ids=named)
def test_a_key_of_the_ledger_that_cannot_sign_is_told_of(
    id: str, setting: dict[str, Any]
) -> None:
    with override_settings(**{**GOOD, **setting}):
        ours = [m for m in run_checks() if "LEDGER" in m.msg]
    (message,) = ours
    assert message.id == id
    assert message.hint
    with override_settings(**GOOD, LEDGER_KEY="A" * 43 + "="):
        assert not [m for m in run_checks() if "LEDGER" in m.msg]
