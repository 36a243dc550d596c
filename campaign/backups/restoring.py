"""A restore that is tried: into a scratch database, and looked at from all sides.

The database of the site is only read. What restricts and came after the backup is
replayed, as after a real loss.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from audiences.refusals import Refused
from delivery import restrictions
from delivery.management.scratch import scratch

from .copies import Backup, integrity, of_file
from .making import facts_of

# The transaction of an opt-out may have begun before the backup, and ended after it.
OVERLAP = timedelta(minutes=10)
_PROOFS = (("verify_consent",), ("verify_quarantine",), ("verify_ledger",))
_PROGRAM = """import io, json, os, sys, django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
django.setup()
from django.core.management import CommandError, call_command
problems = []
for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    try:
        call_command(*words, stdout=said, stderr=io.StringIO())
    except CommandError as error:
        problems.append(f"{words[0]}: {error} {said.getvalue().strip()[:500]}")
sys.stdout.write(chr(10) + json.dumps(problems))
"""


@dataclass
class Drill:
    """What a restore would be worth."""

    backup: Backup
    newest_opt_out: datetime | None = None
    replayed: int = 0
    problems: list[str] = field(default_factory=list)


def drill(path: Path, say: Callable[[str], None]) -> Drill:
    """Restore a backup into a scratch database, and prove it; raises Refused."""
    backup = of_file(path)
    if backup.database != connection.vendor:
        raise Refused(
            f"{path} is of {backup.database}, and this is {connection.vendor}."
        )
    if backup.database == "sqlite" and (said := integrity(path)) != "ok":
        raise Refused(f"{path} is damaged: {said}.")
    found = Drill(backup)
    if moment := backup.facts.get("newest_opt_out"):
        found.newest_opt_out = datetime.fromisoformat(moment)
    with tempfile.TemporaryDirectory(prefix="campaign-drill-") as name:
        folder = Path(name)
        database = scratch(folder)
        try:
            say(f"Restoring {path.name} …")
            database.restore_from(path)
            restored = facts_of(database.url)
            found.problems += _differences(backup.facts, restored)
            if restored.get("missing"):
                return found
            say("Verifying it, as it is and once more after a replay …")
            file = folder / "restrictions.jsonl"
            counts = restrictions.write(file, backup.made_at - OVERLAP)
            found.replayed = sum(counts.values())
            replay = ("import_restrictions", str(file))
            found.problems += _prove(
                database.url, ("migrate",), *_PROOFS, replay, *_PROOFS
            )
        finally:
            database.remove()
    return found


def _differences(noted: dict[str, Any], restored: dict[str, Any]) -> list[str]:
    """What has another number than when the backup was made.

    Two empty tables agree with each other, and prove nothing: so numbers are compared,
    and nobody at all is no agreement either.
    """
    if missing := restored.get("missing"):
        return [f"the table {name} is not in it" for name in missing]
    wanted, found = noted.get("counts", {}), restored["counts"]
    differences = [
        f"{name}: {found.get(name, 0):,} of {count:,} are there"
        for name, count in wanted.items()
        if found.get(name) != count
    ]
    if not found.get("address"):
        differences.append("there are no addresses in it: it is the backup of nothing")
    return differences


def _prove(url: str, *commands: tuple[str, ...]) -> list[str]:
    """Run commands on a database, one after the other; what they refuse."""
    done = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, "-c", _PROGRAM, json.dumps(commands)],
        env=os.environ | {"DATABASE_URL": url, "DEBUG": str(int(settings.DEBUG))},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return [(done.stderr.strip() or "no reason was given").splitlines()[-1]]
    problems: list[str] = json.loads(done.stdout.splitlines()[-1])
    return problems
