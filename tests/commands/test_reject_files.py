"""The files of rejected rows as scripts read them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from audiences import membership
from delivery import deliveries

from .conftest import Outcome

pytestmark = pytest.mark.django_db
HEADER = b"row,field,reason,outcome"
Run = Callable[..., Outcome]


@pytest.mark.parametrize(
    ("command", "text", "line_end"),
    [
        (["import_profiles"], "external_id\n,\n", b"\r\n"),
        (["import_subscriptions"], "profile,service\nx,y\n", b"\r\n"),
        (["import_quarantine"], "channel,address\nemail,x\n", b"\n"),
        (["record_messages", "D"], "address,time\nx,\n", b"\n"),
    ],
)
def test_lines_end_as_each_command_has_always_ended_them(
    command: list[str], text: str, line_end: bytes, tmp_path: Path, run: Run
) -> None:
    deliveries.create("D", channel="email", audience=membership.everyone)
    file = tmp_path / "file.csv"
    file.write_text(text)
    assert run(*command, file).code == 0
    lines = Path(f"{file}.rejects.csv").read_bytes().split(line_end)
    assert (lines[0], lines[-1], len(lines)) == (HEADER, b"", 3)


def test_channel_is_for_lists_without_that_column(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "list.csv"
    file.write_text("channel,address\n,a@shop.example\nsms,+31612345678\n")
    done = run("import_quarantine", file, "--channel", "email", "--json")
    assert json.loads(done.out)["rejected"] == 1
    assert "2,channel" in Path(f"{file}.rejects.csv").read_text()
