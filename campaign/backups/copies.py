"""What a backup is: a file, and beside it what was in the database when it was made."""

import contextlib
import hashlib
import json
import sqlite3
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from audiences.refusals import Refused

NOTE = ".json"


@dataclass(frozen=True)
class Backup:
    """The note beside a backup; `facts` are counts, and when the newest opt-out was."""

    file: str
    made_at: datetime
    version: str
    database: str
    sha256: str
    facts: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        made_at = self.made_at.isoformat()
        text = json.dumps(asdict(self) | {"made_at": made_at}, indent=1)
        place = folder / f"{self.file}{NOTE}"
        place.touch(mode=0o600)
        place.write_text(text + "\n", encoding="utf-8")


def of_file(path: Path) -> Backup:
    """The note of a backup, once its file is what was noted; raises Refused."""
    note = path.with_name(path.name + NOTE)
    try:
        facts = json.loads(note.read_text(encoding="utf-8"))
        found = Backup(**facts | {"made_at": datetime.fromisoformat(facts["made_at"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Refused(
            f"{note}: {error}. A backup that `backup` made has this note beside it."
        ) from error
    if not path.exists() or digest(path) != found.sha256:
        raise Refused(f"{path} is not the file that was noted: it is cut or altered.")
    return found


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def integrity(path: Path) -> str:
    """What SQLite finds wrong with a file of its kind; `ok` if nothing."""
    address = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as made:
            found = str(made.execute("PRAGMA integrity_check").fetchone()[0])
    except sqlite3.DatabaseError as error:
        found = str(error)
    return found.splitlines()[0]


def newest(folder: Path) -> Backup | None:
    """The newest backup of a folder by its note; its file is not read."""
    for note in sorted(folder.glob(f"campaign-*{NOTE}"), reverse=True):
        try:
            facts = json.loads(note.read_text(encoding="utf-8"))
            made_at = datetime.fromisoformat(facts["made_at"])
        except (OSError, ValueError, KeyError):
            continue
        if note.with_name(note.name.removesuffix(NOTE)).exists():
            return Backup(**facts | {"made_at": made_at})
    return None
