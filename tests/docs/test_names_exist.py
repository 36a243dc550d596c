"""Every module, file and definition of ours that a text names is there."""

import io
import re
import tokenize
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from django.apps import apps
from django.contrib.auth.management import _get_all_permissions

from audiences.feed import Event
from campaign.celery import app as celery

from .tables import DOCS, ROOT

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
CODE = sorted(
    path
    for folder in ("audiences", "delivery", "campaign", "tests")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)
FILE = re.compile(r"`((?:audiences|delivery|campaign|templates|tests)/[\w./-]+)`")
NAME = re.compile(r"`((?:audiences|delivery|campaign)(?:\.\w+)+)(?:\([^`]*\))?`")
SYSTEM_CHECK = re.compile(r"\w+\.[CDEIW]\d{3}")


def test_files_that_are_named_are_there() -> None:
    assert not [
        f"{source.relative_to(ROOT)}: {file}"
        for source, text in texts()
        for file in FILE.findall(text)
        if not (ROOT / file).exists()
    ]


def test_definitions_that_are_named_are_there() -> None:
    others = permissions() | set(celery.tasks) | {*Event.values}
    assert not [
        f"{source.relative_to(ROOT)}: {name}"
        for source, text in texts()
        for name in NAME.findall(text)
        if not SYSTEM_CHECK.fullmatch(name)
        and name not in others
        and not is_defined(name)
    ]


def test_a_name_that_is_gone_is_found() -> None:
    """The test can fail: on a module, on a definition, on an attribute."""
    assert is_defined("audiences.models.Profile.objects")
    assert not is_defined("audiences.history_guards")
    assert not is_defined("audiences.models.Person")
    assert not is_defined("audiences.models.Profile.nickname_of_nobody")


def texts() -> Iterator[tuple[Path, str]]:
    """The pages of the documentation, and the comments and strings of the code."""
    for path in PAGES:
        yield path, path.read_text(encoding="utf-8")
    for path in CODE:
        source = io.StringIO(path.read_text(encoding="utf-8"))
        for token in tokenize.generate_tokens(source.readline):
            if token.type in (tokenize.COMMENT, tokenize.STRING):
                yield path, token.string


def permissions() -> set[str]:
    return {
        f"{label}.{code}"
        for label in ("audiences", "delivery")
        for model in apps.get_app_config(label).get_models()
        for code, _name in _get_all_permissions(model._meta)
    }


def is_defined(name: str) -> bool:
    """Whether the name is a module, or something that a module has."""
    parts = name.split(".")
    found: object = import_module(parts[0])
    for number, part in enumerate(parts[1:], 2):
        if hasattr(found, part):
            found = getattr(found, part)
            continue
        try:
            found = import_module(".".join(parts[:number]))
        except ModuleNotFoundError:
            return False
    return True
