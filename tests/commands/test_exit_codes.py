"""Every command as a process: what a script sees of it."""

import json

import pytest

from .conftest import process

COMMANDS = {
    "import_profiles": ["FILE", "--dry-run", "--rejects", "--strict", "--map", "--ignore-unknown", "--allow-opt-in", "--note", "--json"],
    "opt_out": ["PROFILE", "--channel", "--any", "--note"],
    "opt_in": ["PROFILE", "--channel", "--any", "--note"],
    "create_service": ["SLUG", "--label", "--channel"],
    "subscribe": ["PROFILE", "SERVICE", "--note"],
    "unsubscribe": ["PROFILE", "SERVICE", "--note"],
    "record_error": ["ADDRESS", "--channel", "--type", "--reason", "--at", "--text"],
    "quarantine_address": ["ADDRESS", "--channel", "--status", "--reason"],
    "release_quarantine": ["ADDRESS", "--channel", "--text", "--from", "--to", "--dry-run"],
    "import_quarantine": ["FILE"],
    "export_quarantine": [],
    "cleanup_quarantine": [],
    "create_delivery": ["--label", "--channel", "--service", "--audience", "--typology", "--purpose", "--contact-date"],
    "analyse_delivery": ["DELIVERY", "--dry-run", "--json"],
    "explain_exclusion": ["DELIVERY", "PROFILE", "--json"],
    "export_outcomes": ["DELIVERY", "--target", "--excluded", "--warning"],
    "show_profile": ["PROFILE", "--json"],
    "show_address": ["ADDRESS", "--channel", "--json"],
    "verify_consent": [],
    "verify_quarantine": [],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_a_command_does_and_takes(name, capsys):
    from django.core.management import call_command

    with pytest.raises(SystemExit) as left:
        call_command(name, "--help")
    told = capsys.readouterr().out
    assert left.value.code == 0
    assert [word for word in COMMANDS[name] if word not in told] == []
    assert len(told.split("\n\n")[1]) > 20


def test_the_whole_way_as_processes(shell, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("external_id,email\nx1,a@x.example\nx2,b@x.example\nx3,\n")

    def succeeds(*arguments):
        done = shell(*arguments)
        assert done.code == 0, (arguments, done)
        return done.out

    counts = json.loads(succeeds("import_profiles", people, "--json"))
    assert counts == {
        "created": 3,
        "updated": 0,
        "unchanged": 0,
        "rejected": 0,
        "bad_values": 0,
    }
    succeeds(
        "record_error",
        "b@x.example",
        "--channel=email",
        "--type=hard",
        "--reason=user_unknown",
    )
    delivery = succeeds("create_delivery", "--label=D", "--channel=email").strip()
    assert delivery.isdigit()
    report = json.loads(succeeds("analyse_delivery", "D", "--json"))
    assert (report["targeted"], report["to_deliver"], report["excluded"]) == (3, 1, 2)
    succeeds("verify_quarantine")
    succeeds("verify_consent")


REFUSALS = [
    (1, ["opt_out", "nobody", "--any"]),
    (2, ["opt_out", "1"]),
    (2, ["opt_out", "1", "--any", "--channel=email"]),
    (2, ["opt_in", "1", "--any"]),
    (1, ["show_address", "nobody", "--channel=email"]),
    (2, ["show_address", "a@x.example", "--channel=pigeon"]),
    (2, ["record_error", "a@x.example", "--channel=email", "--type=hard", "--at=noon"]),
    (2, ["release_quarantine"]),
    (1, ["import_quarantine", "/no/such/file"]),
    (1, ["import_profiles", "/no/such/file"]),
    (1, ["analyse_delivery", "1", "--json"]),
]


def test_refusals_have_their_exit_code_one_clear_line_and_an_empty_stdout(shell):
    for code, arguments in REFUSALS:
        done = shell(*arguments)
        assert (done.code, done.out) == (code, ""), (arguments, done)
        assert done.err.strip()


def test_verify_quarantine_exits_1_and_lists_what_differs(shell, tmp_path):
    import sqlite3

    shell("quarantine_address", "a@x.example", "--channel=email")
    with sqlite3.connect(tmp_path / "shell.sqlite3") as database:
        database.execute("UPDATE delivery_quarantineentry SET status = 'valid'")
    done = shell("verify_quarantine")
    assert done.code == 1
    assert "email a@x.example" in done.out


@pytest.mark.parametrize("command", [("process_mail", "-"), ("verify_quarantine",)])
def test_a_database_that_is_away_is_one_line(command):
    done = process("postgres://nobody@127.0.0.1:1/none", *command)
    assert done.code == 1
    assert done.out == ""
    (line,) = done.err.strip().splitlines()
    assert line.startswith("CommandError: The database failed")
