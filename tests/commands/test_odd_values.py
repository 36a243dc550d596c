"""Every command with a strange value for every option and argument it takes: it says
what is wrong with it, in a few words, and never breaks."""

import argparse
import io
from pathlib import Path

import pytest
from django.core.management import (
    CommandError,
    call_command,
    get_commands,
    load_command_class,
)
from django.db import transaction

from audiences.terminal import CampaignCommand
from delivery import deliveries
from tests.factories import ProfileFactory

# They go on until they are stopped, or work on whole databases and folders.
APART = {
    *("serve", "worker", "demo", "load_demo", "backup", "restore_drill"),
    *("migrate", "rehearse_restore", "dumpdata", "loaddata", "doctor", "process_mail"),
}
OURS = sorted(
    name
    for name, app in get_commands().items()
    if app in ("audiences", "delivery", "campaign") and name not in APART
)
ODD = {
    "nothing": "",
    "a space": " ",
    "below zero": "-1",
    "zero": "0",
    "huge": "9" * 30,
    "a word": "nonsense",
    "no date": "2030-13-45",
    "the end of time": "9999-12-31T23:59:59+14:00",
    "long": "x" * 5_000,
    "another encoding": "a\udce9b",
    "a line break": "a\nb",
    "a template": "{{ x }} {% if %}",
    "a format": "{reason} %s",
}


def _actions(name: str) -> list[argparse.Action]:
    command = load_command_class(get_commands()[name], name)
    parser = command.create_parser("manage.py", name)
    known = {action.dest for action in CampaignCommand().create_parser("", "")._actions}
    return [
        action
        for action in parser._actions
        if action.dest not in known and not isinstance(action, argparse._HelpAction)
    ]


def _usual(action: argparse.Action, folder: Path) -> str:
    """Something that the command may take, for what it needs."""
    if action.choices:
        return str(next(iter(action.choices)))
    name = (action.metavar or action.dest or "").lower()
    if "file" in name or "folder" in name:
        path = folder / "file.csv"
        path.write_text("external_id,email\nx,a@x.example\n")
        return str(path)
    return {
        "profile": "x",
        "delivery": "D",
        "address": "a@x.example",
        "at": "2024-05-01T10:00:00Z",
        "number": "1",
    }.get(name, "x")


def _words(
    actions: list[argparse.Action], odd: argparse.Action, value: str, folder: Path
) -> list[str]:
    """A call in which one thing is odd."""
    words: list[str] = []
    last: list[str] = []
    for action in actions:
        is_flag = action.nargs == 0
        if action is odd:
            given = value
        elif action.required:
            given = _usual(action, folder)
        else:
            continue
        if not action.option_strings:
            last += [given]
        elif is_flag:
            words += [action.option_strings[-1]]
        else:
            words += [f"{action.option_strings[-1]}={given}"]
    return [*words, "--", *last] if last else words


@pytest.fixture
def world(db: None) -> None:
    ProfileFactory(external_id="x")  # type: ignore[no-untyped-call]
    deliveries.create("D", channel="email")


@pytest.mark.parametrize("name", OURS)
@pytest.mark.one_database
def test_odd_values_are_refused_in_words(name, world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Looking at all migrations takes longer than all the rest.
    monkeypatch.setattr("audiences.terminal.command._require_migrations", lambda: None)
    actions = _actions(name)
    problems = []
    for action in actions:
        if action.nargs == 0:
            continue
        for what, value in ODD.items():
            words = _words(actions, action, value, tmp_path)
            out, err = io.StringIO(), io.StringIO()
            monkeypatch.setattr("sys.stdin", io.StringIO("[]"))
            monkeypatch.setattr("sys.stderr", err)
            said = ""
            try:
                with transaction.atomic():
                    call_command(name, *words, stdout=out, stderr=err)
            except CommandError as error:
                said = str(error)
            except SystemExit as left:
                if left.code not in (0, 1, 2):
                    problems.append(f"{words}: exit {left.code}")
            except Exception as error:
                problems.append(
                    f"{action.dest} {what}: {type(error).__name__}: {error}"[:200]
                )
            said += err.getvalue()
            if len(said) > 1_500:
                problems.append(
                    f"{action.dest} {what}: {len(said)} characters: {said[:80]}"
                )
    assert problems == []
