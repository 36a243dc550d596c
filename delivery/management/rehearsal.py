"""A rehearsal of the worst day: the database is lost, and restored from last night.

It runs on scratch databases, by the same commands that an operator would type. Its
parts are processes of their own: each finds the database as it then is.
"""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from audiences.refusals import Refused

CROWD = 30
DELIVERY, SERVICE = "Rehearsal", "news"
PEOPLE, LATE, FILE = "people.csv", "late.csv", "restrictions"
# Who leaves after the backup, and how.
LEAVING = {
    "opted-out": "opted out of email",
    "opted-out-of-all": "opted out of any channel",
    "unsubscribed": "ended the subscription",
    "quarantined": "had an address that failed",
    "suppressed": "were suppressed by hand",
    "erased": "were erased at their own wish",
    "late": "came and opted out after the backup",
}


def write_people(folder: Path) -> None:
    """Two files of people: those of the backup, and one who comes later."""
    crowd = [f"stays-{number}" for number in range(CROWD)]
    _write(folder / PEOPLE, [*crowd, *(name for name in LEAVING if name != "late")])
    _write(folder / LATE, ["late"])


def _write(path: Path, names: list[str]) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["external_id", "email"])
        rows.writerows([name, address(name)] for name in names)


def address(name: str) -> str:
    return f"{name}@rehearsal.example"


# ------------------------------------------------------------------ in another process
def play(part: str, url: str, folder: Path) -> dict[str, Any]:
    """Run a part on a database; returns what it found, or raises Refused: why not."""
    done = subprocess.run(  # noqa: S603  (this program itself)
        [sys.executable, "-m", __name__, part, str(folder)],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        told = (done.stderr.strip() or "no reason").splitlines()[-1]
        raise Refused(f"The rehearsal failed ({part}): {told}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _run(name: str, *words: object) -> str:
    out = io.StringIO()
    call_command(name, *map(str, words), stdout=out, stderr=io.StringIO())
    return out.getvalue()


def _prepare(folder: Path) -> dict[str, Any]:
    """A site with people who get its news."""
    _run("migrate", "--verbosity=0")
    _run("import_profiles", folder / PEOPLE)
    _run("create_service", SERVICE, "--label=News", "--channel=email")
    _run("create_delivery", f"--label={DELIVERY}", "--channel=email")
    _run("subscribe", "ext:unsubscribed", SERVICE)
    return _reached()


def _leave(folder: Path) -> dict[str, Any]:
    """The day after the backup; then what restricts is written to a file."""
    began = timezone.now()
    _run("opt_out", "ext:opted-out", "--channel=email")
    _run("opt_out", "ext:opted-out-of-all", "--any")
    _run("unsubscribe", "ext:unsubscribed", SERVICE)
    _run("quarantine_address", address("quarantined"), "--channel=email")
    _run("suppress", address("suppressed"), "--channel=email", "--note=rehearsal")
    _run("erase_profile", "ext:erased", "--note=rehearsal", "--yes")
    _run("import_profiles", folder / LATE)
    _run("opt_out", "ext:late", "--channel=email")
    _run("export_restrictions", folder / FILE, f"--since={began.isoformat()}")
    return _reached()


def _come_back(folder: Path) -> dict[str, Any]:
    """After the restore: the replay, and the same files of people once more."""
    before = _reached()
    _run("import_restrictions", folder / FILE)
    _run("import_profiles", folder / PEOPLE)
    _run("import_profiles", folder / LATE)
    _run("verify_consent")
    _run("verify_quarantine")
    return {"without": before["reached"], **_reached()}


def _reached() -> dict[str, Any]:
    """Whose address is in the target, and who gets the news."""
    _run("analyse_delivery", DELIVERY)
    rows = csv.DictReader(io.StringIO(_run("export_outcomes", DELIVERY, "--target")))
    reached = [row["address"].partition("@")[0] for row in rows]
    shown = json.loads(_run("show_profile", "ext:unsubscribed", "--json"))
    subscribed = [s for s in shown["subscriptions"] if s["status"] == "active"]
    # Who ended a subscription is still reached by what is for everyone.
    reached.remove("unsubscribed")
    return {"reached": sorted(reached + (["unsubscribed"] if subscribed else []))}


_PARTS = {"prepare": _prepare, "leave": _leave, "come back": _come_back}

if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(_PARTS[sys.argv[1]](Path(sys.argv[2]))) + "\n")
