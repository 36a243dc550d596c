"""One of all clocks ticks, workers are seen, and what dies is started again."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from kombu.exceptions import OperationalError

from audiences.background import clock, keeping, presence
from audiences.background.clock import Clock
from audiences.background.keeping import Kept
from audiences.models import Lease, Presence

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What the clock asks for; a clock that never asks for something passes no test."""
    found: list[tuple[str, dict[str, Any]]] = []

    def send(name: str, **options: Any) -> None:
        found.append((name, options))

    monkeypatch.setattr(current_app._get_current_object(), "send_task", send)
    return found


def a_clock() -> Clock:
    return Clock(current_app._get_current_object())


def tick_all(ticking: Clock) -> None:
    while ticking.tick() == 0:
        pass


def test_one_holder_has_the_lease_until_it_is_over() -> None:
    assert clock.take("first")
    assert clock.take("second") is None
    assert clock.take("first")
    Lease.objects.update(until=Now() - timedelta(seconds=1))
    assert clock.take("second")
    assert clock.take("first") is None


def test_a_lease_that_is_given_back_is_free_at_once() -> None:
    clock.take("first")
    clock.give_back("first")
    assert clock.take("second")


def test_only_the_clock_with_the_lease_asks_for_tasks(sent: list[Any]) -> None:
    first, second = a_clock(), a_clock()
    first.tick()
    second.tick()
    for ticking in (first, second):
        for entry in ticking.schedule.values():
            entry.last_run_at = timezone.now() - timedelta(days=2)
        ticking._heap = None
    tick_all(second)
    assert sent == []
    tick_all(first)
    assert len(sent) == len(first.schedule) >= 15


def test_a_new_holder_catches_up_on_the_night_that_nobody_saw(sent: list[Any]) -> None:
    first = a_clock()
    first.tick()
    night = (timezone.now() - timedelta(days=2)).isoformat()
    clock.keep(first._holder, {"clean-up-quarantine": night})
    clock.give_back(first._holder)
    tick_all(a_clock())
    assert [name for name, _options in sent] == ["delivery.tasks.clean_up_quarantine"]


def test_what_the_queue_did_not_take_stays_due(
    sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticking = a_clock()
    ticking.tick()
    ticking.schedule["clean-up-quarantine"].last_run_at -= timedelta(days=2)
    ticking._heap = None

    def refuse(name: str, **options: Any) -> None:
        raise OperationalError("no queue")

    with monkeypatch.context() as patch:
        patch.setattr(ticking.app, "send_task", refuse)
        assert ticking.tick() == clock.AWAY
    tick_all(ticking)
    assert [name for name, _options in sent] == ["delivery.tasks.clean_up_quarantine"]


def test_frequent_tasks_expire_in_a_queue_that_nobody_reads(sent: list[Any]) -> None:
    ticking = a_clock()
    ticking.tick()
    for entry in ticking.schedule.values():
        entry.last_run_at -= timedelta(days=2)
    ticking._heap = None
    tick_all(ticking)
    options = dict(sent)
    assert options["audiences.tasks.send_outbox"]["expires"] == 60
    assert "expires" not in options["audiences.tasks.run_retention"]


def test_a_worker_is_seen_and_an_absent_one_is_not() -> None:
    assert presence.last_seen() is None
    presence.note("one")
    assert presence.somebody_works()
    Presence.objects.update(seen_at=Now() - presence.ABSENT - timedelta(seconds=1))
    assert not presence.somebody_works()
    presence.note("one")
    assert presence.somebody_works()
    presence.leave("one")
    assert presence.last_seen() is None


def test_names_of_workers_are_never_the_same() -> None:
    assert len({presence.own_name() for _number in range(50)}) == 50


def test_what_dies_is_started_again_and_all_ends_with_the_keeper() -> None:
    """The keeper in a process of its own, as it runs."""
    program = (
        "import sys\nfrom audiences.background.keeping import Kept, keep\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        "keep([Kept('sleeper', sleep)])\nprint('ended well')"
    )
    keeper = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    )
    first = _child(keeper.pid)
    os.kill(first, signal.SIGKILL)
    second = _child(keeper.pid, other_than=first)
    keeper.send_signal(signal.SIGTERM)
    assert keeper.communicate(timeout=60)[0] == "ended well\n"
    assert not _lives(second)


def test_children_end_when_the_keeper_is_killed() -> None:
    program = (
        "import sys\nfrom audiences.background.keeping import Kept, keep\n"
        "keep([Kept('s', [sys.executable, '-c', 'import time; time.sleep(60)'])])"
    )
    keeper = subprocess.Popen([sys.executable, "-c", program])
    child = _child(keeper.pid)
    keeper.kill()
    keeper.wait()
    deadline = time.monotonic() + 60
    while _lives(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(child)


def test_a_child_whose_keeper_is_gone_before_it_begins_never_begins(
    tmp_path: Path,
) -> None:
    began = tmp_path / "began"
    child = subprocess.Popen(
        ["/usr/bin/touch", str(began)],
        preexec_fn=partial(keeping._end_with, os.getpid() + 1),  # noqa: PLW1509
    )
    assert (child.wait(), began.exists()) == (1, False)


def test_a_signal_before_the_command_begins_ends_the_child(tmp_path: Path) -> None:
    began = tmp_path / "began"
    own = os.getpid()

    def asked_at_once() -> None:
        keeping._end_with(own)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        child = subprocess.Popen(
            ["/usr/bin/touch", str(began)],
            preexec_fn=asked_at_once,  # noqa: PLW1509
        )
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (child.wait(), began.exists()) == (-signal.SIGTERM, False)


def test_one_that_dies_at_once_is_tried_more_and_more_slowly() -> None:
    kept = Kept("broken", [sys.executable, "-c", "raise SystemExit(3)"])
    kept.look()
    assert kept.process
    kept.process.wait()
    kept.look()
    assert (kept.pause, kept.restarts) == (2.0, 1)
    kept.look()
    assert kept.process is None, "it waits for its pause"


def _child(pid: int, *, other_than: int = 0) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        out = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        found = [int(text) for text in out.split() if int(text) != other_than]
        if found:
            return found[0]
        time.sleep(0.05)
    raise AssertionError("no child was started")


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.django_db(transaction=True)
def test_two_clocks_that_reach_at_once_do_not_both_get_it() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("two sessions: PostgreSQL")
    barrier, got = threading.Barrier(2), []

    def reach(name: str) -> None:
        barrier.wait()
        try:
            got.append(clock.take(name))
        finally:
            connection.close()

    threads = [threading.Thread(target=reach, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([lease for lease in got if lease]) == 1
