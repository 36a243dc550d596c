"""Upgrade while people opt out: python -m tests.chaos.upgrade [PEOPLE] [--from COMMIT]

The code of the last release (or of COMMIT) serves PEOPLE (default 100,000) from a
PostgreSQL of its own, and mail programs send one-clicks all the time. Meanwhile it is
upgraded to the code of this folder as docs/operations.md says: migrate while the old
one serves, then new web processes. Then it compares: each opt-out that was answered is
in the history, and the proofs of this release agree.

The last release is the newest commit whose migrations are those of the dump that is
kept for the tests (tests/upgrades/data).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread

from tests.benchmarks.databases import machine
from tests.upgrades.dump import DATA

from . import surroundings

ROOT = Path(__file__).resolve().parents[2]
# Mail programs that click at once, and the seconds between two clicks of each.
CLICKERS, PAUSE = 4, 0.05
# Everything is answered again within so many seconds, or it is wrong.
PATIENCE = 120.0
APPS = ("audiences", "delivery")
# Seconds of clicks before, between and after.
STRETCH = 10.0
_LINKS = """
from audiences.links import Link, one_click_url
from audiences.models import Profile
for pk in Profile.objects.order_by("pk").values_list("pk", flat=True)[:{count}]:
    print(pk, one_click_url(Link(pk, "email")))
"""


@dataclass
class Clicks:
    """What mail programs sent, and what became of it in each stretch of the upgrade."""

    links: SimpleQueue[tuple[int, str]]
    stretch: str = "the old release serves"
    taken: list[int] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    longest: Counter[str] = field(default_factory=Counter)
    over: Event = field(default_factory=Event)

    def send(self) -> None:
        """One after the other; what fails is tried again, as mail programs do."""
        while not self.over.is_set():
            with suppress(Empty):
                pk, link = self.links.get(timeout=1)
                deadline = time.monotonic() + PATIENCE
                while not (taken := self._is_taken(link)):
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.5)
                if taken:
                    self.taken.append(pk)
            time.sleep(PAUSE)

    def _is_taken(self, link: str) -> bool:
        stretch, began = self.stretch, time.monotonic()
        data = b"List-Unsubscribe=One-Click"
        try:
            with urllib.request.urlopen(link, data=data, timeout=60) as answer:
                reason = str(answer.status)
        except urllib.error.HTTPError as error:
            reason = f"status {error.code}"
            error.close()
        except OSError as error:
            reason = f"no connection ({getattr(error, 'reason', error)})"
        took = round((time.monotonic() - began) * 1000)
        self.longest[stretch] = max(self.longest[stretch], took)
        if reason == "200":
            self.answered[stretch] += 1
        else:
            self.failed[stretch, reason] += 1
        return reason == "200"


def last_release() -> str:
    """The newest commit that has the migrations of the release that was kept."""
    kept = set((DATA / "migrations.txt").read_text().split())
    kept = {name for name in kept if name.startswith(APPS)}
    folders = [f"{app}/migrations/" for app in APPS]
    log = ["git", "log", "--first-parent", "--format=%h", "--", *folders]
    for commit in _said(log).split():
        listed = _said(["git", "ls-tree", "--name-only", commit, *folders]).split()
        paths = [Path(name) for name in listed if not name.endswith("__init__.py")]
        if {f"{path.parts[0]}.{path.stem}" for path in paths} == kept:
            return commit
    raise SystemExit("No commit has the migrations of the last release: use --from.")


def _said(words: list[str]) -> str:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def code_of(commit: str, folder: Path) -> Path:
    """The tree of a commit, unpacked."""
    folder.mkdir()
    packed = subprocess.run(
        ["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    subprocess.run(["tar", "-x"], cwd=folder, input=packed.stdout, check=True)
    return folder


def manage(code: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", *words],
        cwd=code,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)[:60]} failed in {code}: {done.stdout}")
    return done.stdout


def serve(code: Path, port: int, log: Path) -> "subprocess.Popen[bytes]":
    """The web processes of a release; one from before `serve` has no settings."""
    words = [sys.executable, "-m", "gunicorn", "--chdir", str(code)]
    if (code / "campaign" / "serving").is_dir():
        words += ["--config", "python:campaign.serving.gunicorn"]
    else:
        words += ["--workers", "2", "--threads", "8", "campaign.wsgi"]
    with log.open("ab") as file:
        started = subprocess.Popen(
            [*words, "--bind", f"127.0.0.1:{port}"], cwd=code, stdout=file, stderr=file
        )
    surroundings.wait_for(port, 90)
    # It accepts connections before its processes have read the code.
    with suppress(urllib.error.HTTPError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=120).close()
    return started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", nargs="?", type=int, default=100_000)
    parser.add_argument("--from", dest="commit", default="")
    given = parser.parse_args()
    commit = given.commit or last_release()
    print(f"{machine()}; {given.people:,} people, from {commit}", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        cluster = stack.enter_context(surroundings.cluster(folder / "postgresql"))
        port = surroundings.free_port()
        os.environ |= surroundings.production(folder, port, cluster.url)
        old = code_of(commit, folder / "old")
        return _run(given.people, old, port, folder, cluster.url)


def _run(people: int, old: Path, port: int, folder: Path, url: str) -> int:
    _fill(people, old, folder)
    clicks = Clicks(SimpleQueue())
    lines = manage(old, "shell", "-c", _LINKS.format(count=people)).splitlines()
    for line in lines:
        pk, _space, link = line.partition(" ")
        if link.startswith("http"):
            clicks.links.put((int(pk), link))
    site = serve(old, port, folder / "old.log")
    clickers = [Thread(target=clicks.send) for _number in range(CLICKERS)]
    for each in clickers:
        each.start()
    try:
        time.sleep(STRETCH)
        clicks.stretch, began = "it is migrated", time.monotonic()
        manage(ROOT, "migrate", "--verbosity", "0")
        migrated = time.monotonic() - began
        clicks.stretch = "the old release serves the new database"
        time.sleep(STRETCH)
        clicks.stretch, began = "web processes are replaced", time.monotonic()
        site.terminate()
        site.wait(timeout=60)
        site = serve(ROOT, port, folder / "new.log")
        replaced = time.monotonic() - began
        clicks.stretch = "the new release serves"
        time.sleep(STRETCH)
    finally:
        clicks.over.set()
        for each in clickers:
            each.join()
        site.terminate()
        site.wait(timeout=60)
    print(f"Migrated in {migrated:.1f} s, replaced in {replaced:.1f} s.")
    return _look(clicks, _opted_out(url))


def _fill(people: int, old: Path, folder: Path) -> None:
    """People with an address each, of whom a tenth has opted out, and a sealed ledger."""
    file = folder / "people.csv"
    with file.open("w") as rows:
        rows.write("external_id,email,first_name,last_name,no_longer_contact_email\n")
        for number in range(1, people + 1):
            out = int(number % 10 == 0)
            rows.write(f"P{number},p{number}@mail.example,Ann{number},Jansen,{out}\n")
    manage(old, "migrate", "--verbosity", "0")
    manage(old, "import_profiles", str(file), "--rejects", str(folder / "rejects"))
    manage(old, "seal_ledger")


def _opted_out(url: str) -> set[int]:
    """Whoever is out by the flag and by the history."""
    sql = (
        "SELECT id FROM audiences_profile p WHERE no_longer_contact_email AND EXISTS"
        " (SELECT 1 FROM audiences_consentevent WHERE profile_id = p.id"
        " AND kind = 'opt_out' AND channel = 'email')"
    )
    return {int(str(pk)) for (pk,) in surroundings.fetch(url, sql)}


def _look(clicks: Clicks, out: set[int]) -> int:
    bad = [*_findings(clicks, out)]
    for stretch, longest in clicks.longest.items():
        failed = {
            reason: count
            for (where, reason), count in clicks.failed.items()
            if where == stretch
        }
        print(
            f"While {stretch}: {clicks.answered[stretch]:,} answered, the slowest after"
            f" {longest:,} ms; failed and tried again: {failed or 'none'}"
        )
    for finding in bad:
        print(f"WRONG: {finding}")
    print("Something is wrong." if bad else "Nothing is wrong.", flush=True)
    return 1 if bad else 0


def _findings(clicks: Clicks, out: set[int]) -> Iterator[str]:
    if lost := {*clicks.taken} - out:
        yield f"{len(lost)} opt-outs were answered and are lost: {sorted(lost)[:5]}"
    if not clicks.taken:
        yield "no opt-out was answered"
    for (stretch, reason), count in clicks.failed.items():
        # One that gave way to the migration is asked to come back, and nothing is half
        # done; while processes are replaced there is nobody to connect to.
        is_expected = reason == "status 503" or stretch == "web processes are replaced"
        if not is_expected:
            yield f"{count} requests failed while {stretch}: {reason}"
    for proof in ("verify_consent", "verify_quarantine", "verify_ledger"):
        with suppress(SystemExit):
            manage(ROOT, proof)
            continue
        yield f"{proof} does not agree"


if __name__ == "__main__":
    sys.exit(main())
