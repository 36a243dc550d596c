"""Backups that are made, restored and believed only for a reason."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from django.db import connection
from django.utils import timezone

from campaign import backups
from campaign.backups import copies
from campaign.backups.restoring import _differences
from tests.upgrades.dump import KEYS, manage

ROOT = Path(__file__).resolve().parents[2]


# ------------------------------------------------------------------ a small site
@dataclass
class Site:
    """A database of its own, with the schema of the tests' one and whom we put in."""

    url: str
    folder: Path

    def do(self, *commands: str) -> list[tuple[int, str]]:
        return manage(self.url, *commands)

    def dump(self, file: Path, *options: str) -> None:
        words = ["pg_dump", "-Fc", *options, "-f", str(file), self.url]
        subprocess.run(words, check=True)


@pytest.fixture(scope="module")
def site(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with django_db_blocker.unblock():
        made = _on_sqlite if connection.vendor == "sqlite" else _on_postgresql
        yield from made(folder)


def _on_sqlite(folder: Path) -> Iterator[Site]:
    connection.ensure_connection()
    file = folder / "site.sqlite3"
    with closing(sqlite3.connect(file)) as target:
        connection.connection.backup(target)
    yield Site(f"sqlite:///{file}", folder)


def _on_postgresql(folder: Path) -> Iterator[Site]:
    server = os.environ["DATABASE_URL"]
    tests = str(connection.settings_dict["NAME"])
    name = f"site_{uuid.uuid4().hex[:8]}"
    ours, theirs = (
        urlunsplit(urlsplit(server)._replace(path=f"/{n}")) for n in (name, tests)
    )
    _administer(server, f"CREATE DATABASE {name}")
    Site(theirs, folder).dump(folder / "schema.dump")
    words = ["pg_restore", "-O", "-x", "-d", ours, str(folder / "schema.dump")]
    subprocess.run(words, check=True)
    yield Site(ours, folder)
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: str, sql: str) -> None:
    with closing(psycopg2.connect(server)) as made:
        made.autocommit = True
        made.cursor().execute(sql)


@pytest.fixture(scope="module")
def backup(site: Site) -> Path:
    """A backup of ten people, one of whom left before it and one of whom after it."""
    people = site.folder / "people.csv"
    rows = [f"p{n},p{n}@home.example" for n in range(1, 11)]
    people.write_text("\n".join(["external_id,email", *rows]))
    folder = site.folder / "backups"
    done = site.do(
        f"backup --to {site.folder}/nobody --json",
        f"import_profiles {people} --rejects {site.folder}/rejects",
        "opt_out ext:p3 --channel email",
        "record_error p5@home.example --channel email --type hard --reason user_unknown",
        "seal_ledger",
        f"backup --to {folder} --json",
        "opt_out ext:p4 --channel email",
    )
    assert [code for code, _said in done] == [0] * len(done), done
    return folder / json.loads(done[5][1])["file"]


@pytest.mark.django_db
def test_a_backup_is_restored_verified_and_caught_up(site: Site, backup: Path) -> None:
    assert backup.stat().st_mode & 0o077 == backup.parent.stat().st_mode & 0o077 == 0
    ((code, said),) = site.do(f"restore_drill {backup} --json")
    assert code == 0, said
    found = json.loads(said[said.index("{") : said.rindex("}") + 1])
    assert found["problems"] == []
    assert found["replayed"] >= 2, (
        "the one of before, in the overlap, and the one after"
    )
    assert 0 <= found["newest_opt_out_age_seconds"] < 3600
    noted = backups.of_file(backup)
    assert noted.facts["counts"]["profile"] == 10
    assert noted.facts["newest_opt_out"] == found["newest_opt_out"]
    assert noted.made_at.isoformat() == found["made_at"]
    assert f'"made_at": "{found["made_at"]}"' in Path(f"{backup}.json").read_text()
    assert site.do("show_profile ext:p4 --json")[0][0] == 0, "the site is as it was"


def _altered(site: Site, backup: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Another file with the note of this backup, whose checksum fits that file."""
    file = backup.with_name(f"{name}{backup.suffix}")
    make(file)
    note = replace(backups.of_file(backup), file=file.name, sha256=copies.digest(file))
    note.write(file.parent)
    return file


def _half(backup: Path, file: Path) -> None:
    whole = backup.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])


def _zeros_within(backup: Path, file: Path) -> None:
    whole = bytearray(backup.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 20_000] = bytes(20_000)
    file.write_bytes(whole)


def _without_a_table(site: Site, backup: Path, file: Path) -> None:
    if connection.vendor == "postgresql":
        site.dump(file, "-T", "audiences_address")
        return
    shutil.copy(backup, file)
    with closing(sqlite3.connect(file)) as altered:
        altered.execute("DROP TABLE audiences_address")


def _with_one_less(site: Site, backup: Path, file: Path) -> None:
    """As when somebody has removed an opt-out, history and all."""
    if connection.vendor == "postgresql":
        site.dump(file, "--exclude-table-data=audiences_consentevent")
        return
    shutil.copy(backup, file)
    with closing(sqlite3.connect(file)) as altered:
        for (trigger,) in altered.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            altered.execute(f'DROP TRIGGER "{trigger}"')
        altered.execute("DELETE FROM audiences_consentevent")
        altered.commit()


@pytest.mark.django_db
def test_what_is_no_whole_backup_is_called_so_in_words(
    site: Site, backup: Path
) -> None:
    is_postgresql = connection.vendor == "postgresql"
    cut = backup.with_name(f"cut{backup.suffix}")
    _half(backup, cut)
    shutil.copy(f"{backup}.json", f"{cut}.json")
    lone = backup.with_name(f"lone{backup.suffix}")
    shutil.copy(backup, lone)
    (nobody,) = (site.folder / "nobody").glob(f"*{backup.suffix}")
    unreadable = "pg_restore failed" if is_postgresql else "is damaged"
    cases: dict[Path, str] = {
        cut: "cut or altered",
        lone: "has this note beside it",
        backup.with_name("nowhere.dump"): "has this note beside it",
        nobody: "it is the backup of nothing",
        _altered(site, backup, "half", lambda f: _half(backup, f)): unreadable,
        _altered(site, backup, "zeros", lambda f: _zeros_within(backup, f)): unreadable,
        _altered(site, backup, "table", lambda f: _without_a_table(site, backup, f)): (
            "the table audiences_address is not in it"
        ),
        _altered(site, backup, "less", lambda f: _with_one_less(site, backup, f)): (
            "consentevent: 0 of"
        ),
    }
    answers = site.do(*(f"restore_drill {file}" for file in cases))
    for (file, words), (code, said) in zip(cases.items(), answers, strict=True):
        assert code == 1, f"{file.name}: {said}"
        assert words in said, f"{file.name}: {said}"
        assert "Traceback" not in said, file.name


# ------------------------------------------------------------------ making one
# A process in which no file may grow beyond this: as when the disk is full.
_FULL = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
os.execv(sys.executable, [sys.executable, "manage.py", *sys.argv[1:]])
"""


@pytest.mark.django_db
def test_a_full_disk_leaves_no_backup_that_looks_like_one(
    site: Site, tmp_path: Path
) -> None:
    words = [sys.executable, "-c", _FULL, "backup", "--to", str(tmp_path / "to")]
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=os.environ | KEYS | {"DATABASE_URL": site.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert [*(tmp_path / "to").iterdir()] == []


def test_an_empty_restore_is_not_called_whole() -> None:
    noted = {"counts": {"address": 20, "profile": 10}}
    empty = {"counts": {"address": 0, "profile": 10}}
    assert len(_differences(noted, empty)) == 2
    assert _differences({"counts": {"address": 0}}, {"counts": {"address": 0}})
    assert not _differences(noted, noted)


def test_a_backup_that_was_cut_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "campaign-1.dump"
    file.write_bytes(b"all of it")
    digest = copies.digest(file)
    made = copies.Backup(file.name, timezone.now(), "0.1.0", "sqlite", digest)
    made.write(tmp_path)
    assert backups.of_file(file).sha256 == made.sha256
    assert backups.newest(tmp_path) == backups.of_file(file)
    file.write_bytes(b"all of")
    with pytest.raises(copies.Refused, match="cut or altered"):
        backups.of_file(file)
