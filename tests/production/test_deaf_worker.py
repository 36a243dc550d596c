"""A busy worker whose Redis is lost: it hears again, or ends and is started again."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery import Celery

from audiences.background.worker import Ears
from tests.chaos import surroundings

ROOT = Path(__file__).resolve().parents[2]
# A worker as the site has it, with a task that takes as long as its pipe is open; its
# clock asks for nothing, so that only what the test says is heard.
WORKER = """
import sys, django
django.setup()
from celery import current_app
from audiences.background import presence, worker
@current_app.task(name="tests.say")
def say(word):
    print(word, flush=True)
@current_app.task(name="tests.hold")
def hold():
    print("held", flush=True)
    sys.stdin.readline()
    print("let go", flush=True)
presence.PAUSE = 0.3
presence.note = lambda name: None
worker.clocks.Clock.tick = lambda self, *args, **kwargs: 1.0
worker.run(threads=1)
"""


@pytest.fixture
def port() -> int:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not on this machine")
    return surroundings.free_port()


def _redis(port: int, folder: Path) -> "subprocess.Popen[bytes]":
    words = ("--port", str(port), "--save", "", "--bind", "127.0.0.1")
    started = surroundings.start("redis-server", *words, log=folder / "redis.log")
    surroundings.wait_for(port)
    return started


def _ask(port: int, task: str, *words: str) -> None:
    """By an application of its own: a connection for each word."""
    url = f"redis://127.0.0.1:{port}/0"
    with Celery(broker=url) as app:
        app.send_task(task, words, retry=False)


def test_a_worker_that_was_busy_hears_again_or_ends(port: int, tmp_path: Path) -> None:
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3",
        "DJANGO_SETTINGS_MODULE": "campaign.settings",
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{port}/0",
    }
    redis = _redis(port, tmp_path)
    log = tmp_path / "worker.log"
    with log.open("wb") as file:
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
        )
    assert worker.stdin
    try:
        _ask(port, "tests.hold")
        _wait_for(worker, log, "held")
        surroundings.kill(redis)
        worker.stdin.write(b"\n")
        worker.stdin.flush()
        _wait_for(worker, log, "let go")
        time.sleep(0.5)  # it tells Redis, in vain, that it is done
        redis = _redis(port, tmp_path)
        _ask(port, "tests.say", "heard")
        _wait_for(worker, log, "heard")
        if worker.poll() is not None:
            assert worker.returncode == 1, "its keeper starts it again"
            assert "listens to no queue" in log.read_text()
    finally:
        worker.kill()
        worker.wait()
        surroundings.kill(redis)


def _wait_for(worker: "subprocess.Popen[bytes]", log: Path, word: str) -> None:
    """Until it has said so, or has ended."""
    deadline = time.monotonic() + 120
    while word not in log.read_text().split("\n") and worker.poll() is None:
        assert time.monotonic() < deadline, f"deaf, and alive: {log.read_text()}"
        time.sleep(0.05)


def test_who_listens_to_nothing_at_two_looks_is_deaf() -> None:
    hub = SimpleNamespace(readers={})
    consumer = SimpleNamespace(hub=hub, connection=object())
    ears = Ears(consumer)
    assert [ears.are_deaf(), ears.are_deaf()] == [False, True]
    hub.readers = {7: "a connection"}
    assert not ears.are_deaf()
    hub.readers = {}
    assert not ears.are_deaf()
    consumer.connection = None
    assert not ears.are_deaf(), "it connects again, for as long as that takes"
    assert not Ears(SimpleNamespace(hub=None, connection=object())).are_deaf()
