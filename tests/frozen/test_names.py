"""Names that others hold as text: in databases, queues, scripts, settings, bookmarks.

`names.ini` lists them. A name may be added; one that goes breaks a row, a message in a
queue, a script or a group's permissions somewhere, and needs a decision record.
"""

from collections.abc import Callable, Iterator
from configparser import ConfigParser
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.management import _get_all_permissions
from django.core.management import get_commands
from django.db.migrations.loader import MigrationLoader
from django.urls import get_resolver

from audiences import conditions
from audiences.background import figures
from audiences.outbox import composing
from campaign import settings
from campaign.celery import app as celery
from delivery.feedback import intake
from delivery.rules import registered_rules

OURS = ("audiences", "delivery")
FILE = Path(__file__).with_name("names.ini")


def tables() -> set[str]:
    return {
        model._meta.db_table
        for label in OURS
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    }


def permissions() -> set[str]:
    return {
        f"{label}.{code}"
        for label in OURS
        for model in apps.get_app_config(label).get_models()
        for code, _name in _get_all_permissions(model._meta)
    }


def commands() -> set[str]:
    return {
        name for name, label in get_commands().items() if label in (*OURS, "campaign")
    }


def tasks() -> set[str]:
    celery.loader.import_default_modules()
    return set(celery.tasks)


def urls() -> set[str]:
    return set(_named(get_resolver().url_patterns))


def _named(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            space = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from _named(pattern.url_patterns, before + space)
        elif pattern.name:
            yield before + pattern.name


def migrations() -> set[str]:
    return {".".join(key) for key in MigrationLoader(None).disk_migrations}


NAMES: dict[str, Callable[[], set[str]]] = {
    "tables": tables,
    "permissions": permissions,
    "commands": commands,
    "tasks": tasks,
    "urls": urls,
    "migrations": migrations,
    "figures": lambda: set(figures.names()),
    "condition nodes": lambda: {node.name for node in conditions.nodes()},
    "kinds of mail": lambda: set(map(str, composing.composers)),
    "rules": lambda: {rule.code for rule in registered_rules()},
    "readers of inbound items": lambda: set(intake.READERS),
}


def frozen() -> ConfigParser:
    listed = ConfigParser(allow_no_value=True, delimiters=("=",))
    listed.optionxform = str  # type: ignore[assignment,method-assign]
    listed.read(FILE, encoding="utf-8")
    return listed


def test_every_list_is_compared() -> None:
    assert frozen().sections() == list(NAMES)


@pytest.mark.parametrize("kind", NAMES)
def test_no_name_is_lost(kind: str) -> None:
    assert set(frozen()[kind]) - NAMES[kind]() == set()


# What the documentation tells others to import, or to write into a setting.
EXTENSION_POINTS = """
    audiences.conditions.Node
    audiences.conditions.register
    audiences.console.badges.badge
    audiences.console.navigation.Entry
    audiences.console.navigation.Section
    audiences.console.navigation.add
    audiences.console.navigation.of_model
    audiences.signals.address_stop_requested
    audiences.signals.address_stop_withdrawn
    audiences.signals.addresses_attached
    audiences.signals.mail_to_be_sent
    audiences.signals.profile_erased
    audiences.sms.ConsoleGateway
    audiences.sms.Refused
    audiences.terminal.CampaignCommand
    audiences.unsubscribe_headers.unsubscribe_headers
    delivery.transports.http_sms.HttpGateway
    delivery.transports.twilio.TwilioGateway
    delivery.exclusions.Rule
    delivery.exclusions.register
""".split()


@pytest.mark.parametrize("path", EXTENSION_POINTS)
def test_an_extension_point_stays_where_it_is(path: str) -> None:
    module, _dot, name = path.rpartition(".")
    assert hasattr(import_module(module), name)


def test_the_default_gateway_keeps_its_path() -> None:
    """Whoever wrote the default into their own settings goes on with it."""
    assert settings.SMS_GATEWAY == "audiences.sms.ConsoleGateway"
