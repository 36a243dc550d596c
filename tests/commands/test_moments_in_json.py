"""With --json each moment is one that RFC 3339 knows: programs read it everywhere."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from audiences.terminal import CampaignCommand
from tests.feedback.test_reading_mail import FINAL, UNKNOWN, report

from .conftest import ROOT, Outcome

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
LIKE_A_MOMENT = re.compile(r"\d{4}-\d\d-\d\d.?\d\d:")
# What each prints, once the site has somebody; `F` is a mail that came back.
TELLING = (
    "show_profile x1",
    "show_address a@x.example --channel=email",
    "suppressed gone@x.example --channel=email",
    "inspect_mail F",
    "create_api_key reporting --scopes=consent:read --expires=3",
    "delivery_status D",
)
# Nothing that they print is a moment.
SILENT = (
    *("analyse_delivery", "create_endpoint", "doctor", "explain_exclusion"),
    *("export_restrictions", "forecast_audience", "import_profiles"),
    *("import_quarantine", "import_restrictions", "import_subscriptions"),
    *("list_fields", "process_mail", "record_messages", "release_quarantine"),
    *("run_retention", "seal_ledger", "send_outbox", "show_rules"),
    *("verify_consent", "verify_ledger", "verify_quarantine"),
)
# Their moments are looked at where they run: tests/production, tests/sending.
ELSEWHERE = ("backup", "restore_drill", "send_delivery")


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


@pytest.fixture
def site(run: Callable[..., Outcome], tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("external_id,email\nx1,a@x.example\nx2,gone@x.example\n")
    mail = tmp_path / "F"
    mail.write_bytes(report(f"{FINAL}Action: failed\nStatus: 5.1.1\n{UNKNOWN}"))
    for words in (
        f"import_profiles {people} --rejects {tmp_path}/rejects",
        "create_service news --label=News --channel=email",
        "subscribe x1 news --note=asked",
        "opt_out x1 --channel=email",
        "record_error a@x.example --channel=email --type=hard --text=no",
        "suppress gone@x.example --channel=email --note=asked",
        "create_delivery --label=D --channel=email",
    ):
        done = run(*words.split())
        assert done.code == 0, (words, done.err)


@pytest.mark.parametrize("words", TELLING)
def test_a_moment_has_a_t_and_an_offset(
    words: str, run: Callable[..., Outcome], site: None, tmp_path: Path
) -> None:
    done = run(*words.replace(" F", f" {tmp_path}/F").split(), "--json")
    assert done.code == 0, done.err
    moments = [t for t in texts(json.loads(done.out)) if LIKE_A_MOMENT.match(t)]
    assert [text for text in moments if not RFC_3339.fullmatch(text)] == []
    assert moments or words.startswith("delivery_status")


def test_whatever_is_given_as_a_moment_is_written_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    at = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
    CampaignCommand().write_json({"at": at, "day": at.date(), "in": [{"at": at}]})
    moment = "2026-05-01T12:30:00+00:00"
    found = json.loads(capsys.readouterr().out)
    assert found == {"at": moment, "day": "2026-05-01", "in": [{"at": moment}]}


def test_each_command_that_writes_json_has_been_looked_at() -> None:
    found = {
        path.stem
        for path in ROOT.glob("*/management/commands/*.py")
        if re.search("add_json|write_json|ImportCommand", path.read_text())
    }
    known = {words.split()[0] for words in TELLING} | {*SILENT, *ELSEWHERE}
    assert found == known
