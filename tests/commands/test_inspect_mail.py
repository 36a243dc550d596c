"""inspect_mail: what mails say, with nothing stored."""

import io
import json

import pytest

from tests.feedback.test_reading_mail import FINAL, UNKNOWN, report

BOUNCE = report(f"{FINAL}Action: failed\nStatus: 5.1.1\n{UNKNOWN}")


@pytest.fixture
def bounce(tmp_path):
    path = tmp_path / "bounce.eml"
    path.write_bytes(BOUNCE)
    return str(path)


def test_json_has_the_events_of_each_file(run, bounce):
    outcome = run("inspect_mail", bounce, "--json")
    assert outcome.code == 0
    (entry,) = json.loads(outcome.out)["files"]
    assert (entry["file"], entry["mail"]) == (bounce, "bounce")
    (event,) = entry["events"]
    assert event == {
        "kind": "failed",
        "address": "a@b.example",
        "reason": "user_unknown",
        "type": "hard",
        "status": "5.1.1",
        "channel": "email",
        "at": "2026-05-01T10:00:00+00:00",
        "text": "smtp; 550 5.1.1 User unknown",
    }


def test_a_file_that_cannot_be_opened_is_named_and_the_others_are_read(run, bounce):
    outcome = run("inspect_mail", "/nowhere.eml", bounce, "--json")
    assert outcome.code == 1
    assert "/nowhere.eml" in outcome.err
    assert [f["mail"] for f in json.loads(outcome.out)["files"]] == ["bounce"]


def test_without_json_people_get_a_table(run, bounce):
    outcome = run("inspect_mail", bounce)
    assert outcome.code == 0
    assert "a@b.example" in outcome.out.replace("\n", "")


def test_a_dash_is_stdin(run, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(BOUNCE))
    monkeypatch.setattr("sys.stdin", stdin)
    outcome = run("inspect_mail", "-", "--json")
    assert json.loads(outcome.out)["files"][0]["mail"] == "bounce"
