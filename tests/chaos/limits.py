"""What a site does when something runs out: python -m tests.chaos.limits

A full disk under PostgreSQL (a small one in memory: root is needed), a database that is
read-only, and no file handles left; each while the site serves. An opt-out is answered
with 503, Retry-After and plain words, and is not half done; without file handles it
waits to be let in. Once there is room it works again by itself. The log names the
cause, without addresses.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.databases import machine

from . import surroundings
from .upgrade import ROOT, manage, serve

MEGABYTES = 400
HANDLES = 60
_LINKS = """
from audiences.links import Link, one_click_url
from audiences.models import Profile
for _number in range(40):
    print(one_click_url(Link(Profile.objects.create().pk, "email")))
"""


@dataclass
class Site:
    url: str
    port: int
    folder: Path
    data: Path
    links: list[str]
    pid: int

    def click(self) -> tuple[int, str, str]:
        """The next one-click: its status, Retry-After, and what the page says."""
        link = self.links.pop()
        data = b"List-Unsubscribe=One-Click"
        try:
            with urllib.request.urlopen(link, data=data, timeout=40) as answer:
                return answer.status, "", answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode()
            return error.code, error.headers.get("Retry-After", ""), text
        except OSError as error:
            return 0, "", str(error)

    def opted_out(self) -> tuple[int, int]:
        """By the flags, and by the history."""
        flags = "SELECT COUNT(*) FROM audiences_profile WHERE no_longer_contact_email"
        events = "SELECT COUNT(*) FROM audiences_consentevent WHERE kind = 'opt_out'"
        found = [surroundings.fetch(self.url, sql)[0][0] for sql in (flags, events)]
        return int(str(found[0])), int(str(found[1]))


@contextmanager
def full_disk(site: Site) -> Iterator[None]:
    """Fill it to the last byte, and let PostgreSQL use up what it has in stock."""
    filling = site.data.parent / "filling"
    with suppress(OSError), filling.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65536))
    with suppress(Exception):
        surroundings.fetch(
            site.url, "CREATE TABLE stuffing AS SELECT g FROM generate_series(1, 9e6) g"
        )
    yield
    filling.unlink()


@contextmanager
def read_only(site: Site) -> Iterator[None]:
    for word in ("on", "off"):
        sql = f"ALTER SYSTEM SET default_transaction_read_only = {word}"
        surroundings.fetch(
            site.url + "?options=-cdefault_transaction_read_only%3Doff", sql
        )
        surroundings.fetch(site.url, "SELECT pg_reload_conf()")
        time.sleep(1)
        if word == "on":
            yield


@contextmanager
def no_handles(site: Site) -> Iterator[None]:
    """Visitors who connect and say nothing, until the process has no handle left."""
    silent: list[socket.socket] = []
    for _number in range(HANDLES * 2):
        with suppress(OSError):
            silent.append(socket.create_connection(("127.0.0.1", site.port), 1))
    time.sleep(1)
    yield
    for each in silent:
        each.close()


Case = Callable[[Site], AbstractContextManager[None]]
CASES: dict[str, Case] = {
    "a full disk": full_disk,
    "a read-only database": read_only,
    "no file handles": no_handles,
}


def main() -> int:
    print(machine(), flush=True)
    bad: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        site = _begin(folder, stack)
        for name, case in CASES.items():
            bad += _try(name, case, site)
        said = (folder / "site.log").read_text(errors="replace")
        causes = ("DiskFull", "ReadOnlySqlTransaction", "No connection can")
        bad += [
            f"the log does not say: {cause}" for cause in causes if cause not in said
        ]
    for finding in bad:
        print(f"WRONG: {finding}")
    print("Something is wrong." if bad else "Nothing is wrong.", flush=True)
    return 1 if bad else 0


def _try(name: str, case: Case, site: Site) -> Iterator[str]:
    before = site.opted_out()
    with case(site):
        answers = [site.click() for _number in range(3)]
    print(f"{name}: {[(status, after) for status, after, _text in answers]}")
    print("  " + " ".join(answers[0][2].split())[-300:])
    taken = sum(status == 200 for status, _after, _text in answers)
    for status, after, _text in answers:
        if status not in (200, 503, 0) or (status == 503 and not after):
            yield f"{name}: answered with {status}, Retry-After {after!r}"
    began = time.monotonic()
    while (answer := site.click())[0] != 200 and time.monotonic() - began < 60:
        time.sleep(1)
    print(f"  works again after {time.monotonic() - began:.0f} s")
    if answer[0] != 200:
        yield f"{name}: does not work again: {answer[0]}"
    flags, events = site.opted_out()
    # One whose visitor has not waited for the answer may have been done all the same.
    if flags != events or flags < before[0] + taken + 1:
        yield f"{name}: {before} became {(flags, events)}; {taken + 1} were answered"


def _begin(folder: Path, stack: ExitStack) -> Site:
    small = folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0755", "tmpfs"]
    subprocess.run([*mount, str(small)], check=True)
    stack.callback(subprocess.run, ["umount", str(small)], check=False)
    cluster = stack.enter_context(surroundings.cluster(small / "postgresql"))
    port = surroundings.free_port()
    os.environ |= surroundings.production(folder, port, cluster.url)
    os.environ["WEB_PROCESSES"] = "1"
    manage(ROOT, "migrate", "--verbosity", "0")
    lines = manage(ROOT, "shell", "-c", _LINKS).split()
    links = [line for line in lines if line.startswith("http")]
    log = folder / "site.log"
    running = serve(ROOT, port, log)
    stack.callback(running.wait, timeout=60)
    stack.callback(running.terminate)
    children = f"/proc/{running.pid}/task/{running.pid}/children"
    (worker,) = Path(children).read_text().split()
    subprocess.run(["prlimit", "--pid", worker, f"--nofile={HANDLES}"], check=True)
    return Site(cluster.url, port, folder, cluster.data, links, running.pid)


if __name__ == "__main__":
    sys.exit(main())
