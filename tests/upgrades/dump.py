"""A small database of this release, kept for the tests of the next: python -m tests.upgrades.dump

Run it when a release is made, once with DATABASE_URL naming a PostgreSQL server and once
without. It plays the commands below on an empty database, and writes the dump and the
list of the release's migrations into tests/upgrades/data.
"""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tests.benchmarks.databases import postgresql

DATA = Path(__file__).parent / "data"
ROOT = Path(__file__).resolve().parents[2]
# Keys of nobody: what they signed is in the dumps.
KEYS = {
    "DEBUG": "1",
    "PHONE_REGION": "NL",
    "SECRET_KEY": "a-key-of-the-dumps-0123456789-abcdefghijklmnopqrstuvwxyz",
    "SUPPRESSION_KEYS": "a-key-of-suppression-0123456789-abcdefghijklmnopqrst",
    "LEDGER_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}
STEPS = """
migrate -v 0
import_profiles {people} --rejects {folder}/rejects
create_service news --label News --channel email
subscribe ext:p1 news
subscribe ext:p2 news
unsubscribe ext:p2 news
opt_out ext:p3 --channel email
opt_out ext:p4 --any --note letter
opt_in ext:p3 --channel email --note letter
record_error p5@old.example --channel email --type hard --reason user_unknown
quarantine_address p6@old.example --channel email --status denylisted
suppress gone@old.example --channel email --note letter
erase_profile ext:p7 --note letter --yes
create_delivery --label Spring --channel email --service news
analyse_delivery Spring
seal_ledger
ledger_checkpoint
verify_consent
verify_quarantine
verify_ledger
"""


_PROGRAM = """import io, json, os, sys, django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
django.setup()
from django.core.management import CommandError, call_command
answers = []
for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    try:
        call_command(*words, stdout=said, stderr=said)
        answers.append([0, said.getvalue()])
    except CommandError as error:
        answers.append([error.returncode, said.getvalue() + str(error)])
sys.stdout.write(chr(10) + json.dumps(answers))
"""


def manage(url: str, *commands: str) -> list[tuple[int, str]]:
    """Commands on a database, in one process: the exit code and the words of each."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps([c.split() for c in commands])],
        env=os.environ | KEYS | {"DATABASE_URL": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return [tuple(answer) for answer in json.loads(done.stdout.splitlines()[-1])]


def fill(url: str, folder: Path) -> None:
    people = folder / "people.csv"
    rows = [f"p{n},p{n}@old.example,Ann,Jansen" for n in range(1, 21)]
    people.write_text("\n".join(["external_id,email,first_name,last_name", *rows]))
    steps = STEPS.format(people=people, folder=folder).strip().split("\n")
    for step, (code, said) in zip(steps, manage(url, *steps), strict=True):
        if code:
            raise AssertionError(f"{step}: {said}")


def main() -> None:
    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.environ.get("DATABASE_URL", "").startswith("postgres"):
            with postgresql() as url:
                fill(url, folder)
                words = ["pg_dump", "--no-owner", "--no-privileges", url]
                text = subprocess.run(words, capture_output=True, check=True).stdout
                _write("postgresql.sql", text)
            return
        file = folder / "old.sqlite3"
        fill(f"sqlite:///{file}", folder)
        small = folder / "small.sqlite3"
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("VACUUM INTO ?", [str(small)])
        _write("sqlite3", small.read_bytes())
        ((_code, shown),) = manage(f"sqlite:///{file}", "showmigrations --plan")
        names = [line.split()[-1] for line in shown.splitlines() if "[X]" in line]
        (DATA / "migrations.txt").write_text("\n".join(names) + "\n")


def _write(name: str, text: bytes) -> None:
    (DATA / f"{name}.gz").write_bytes(gzip.compress(text, mtime=0))


if __name__ == "__main__":
    main()
