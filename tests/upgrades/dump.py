"""A small database of this release, kept for the tests of the next: python -m tests.upgrades.dump

Run it when a release is made, once with DATABASE_URL naming a PostgreSQL server and once
without. It plays the commands below on an empty database, and writes the dump and the
list of the release's migrations into tests/upgrades/data.
"""

import gzip
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tests.benchmarks.databases import MANAGE, postgresql

DATA = Path(__file__).parent / "data"
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


def manage(url: str, *words: str, exits: int | None = 0) -> str:
    """A command on a database with the keys of the dumps; stops at another exit code."""
    done = subprocess.run(
        [sys.executable, str(MANAGE), *words],
        env=os.environ | KEYS | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    if exits is not None and done.returncode != exits:
        raise AssertionError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def fill(url: str, folder: Path) -> None:
    people = folder / "people.csv"
    rows = [f"p{n},p{n}@old.example,Ann,Jansen" for n in range(1, 21)]
    people.write_text("\n".join(["external_id,email,first_name,last_name", *rows]))
    for line in STEPS.format(people=people, folder=folder).split("\n"):
        if line:
            manage(url, *line.split())


def main() -> None:
    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.environ.get("DATABASE_URL", "").startswith("postgres"):
            with postgresql() as url:
                fill(url, folder)
                words = ["pg_dump", "--no-owner", "--no-privileges", url]
                text = subprocess.run(words, capture_output=True, check=True).stdout
                _write("postgresql", text)
            return
        file = folder / "old.sqlite3"
        fill(f"sqlite:///{file}", folder)
        with closing(sqlite3.connect(file)) as connection:
            _write("sqlite", "\n".join(connection.iterdump()).encode())
        shown = manage(f"sqlite:///{file}", "showmigrations", "--plan")
        names = [line.split()[-1] for line in shown.splitlines() if "[X]" in line]
        (DATA / "migrations.txt").write_text("\n".join(names) + "\n")


def _write(kind: str, text: bytes) -> None:
    (DATA / f"{kind}.sql.gz").write_bytes(gzip.compress(text, mtime=0))


if __name__ == "__main__":
    main()
