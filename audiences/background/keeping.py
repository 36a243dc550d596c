"""Processes that are kept running: whatever dies is started again, until told to stop.

One that dies at its start is tried again more and more slowly. A signal to the keeper
stops all of them: they are asked, given time, and ended. If the keeper itself is
killed, Linux ends its processes with it.
"""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

# Seconds until a process that dies again and again is started again, at most.
LONGEST_PAUSE = 30.0
# A process that ran for this long was well: the next pause is short again.
WELL = 60.0
# How often the keeper looks, in seconds.
LOOK = 0.2
# Seconds that processes have to end in; a container gives ten by itself.
PATIENCE = 25.0
_PR_SET_PDEATHSIG = 1
# Opened here, since little is safe between the birth of a process and its command.
_C = ctypes.CDLL(None)

log = logging.getLogger(__name__)


@dataclass
class Kept:
    """One process that is kept running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    process: subprocess.Popen[bytes] | None = None
    pause: float = 1.0
    began: float = 0.0
    due: float = 0.0
    restarts: int = field(default=0)

    def look(self) -> None:
        """Start it if it does not run and its pause is over."""
        now = time.monotonic()
        if self.process and self.process.poll() is None:
            if now - self.began > WELL:
                self.pause = 1.0
            return
        if self.process:
            self._mourn(now)
        elif now >= self.due:
            self.process = subprocess.Popen(  # noqa: S603  (our own command)
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                # Ctrl-C in a terminal reaches the keeper alone, which asks them.
                process_group=0,
                # Nothing threaded is here.
                preexec_fn=partial(_end_with, os.getpid()),  # noqa: PLW1509
            )
            self.began = now

    def _mourn(self, now: float) -> None:
        assert self.process is not None  # noqa: S101
        log.error(
            "%s ended with %s; it is started again in %.0f s.",
            self.name,
            self.process.returncode,
            self.pause,
        )
        self.process, self.due = None, now + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE)
        self.restarts += 1

    def ask(self, number: int) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None


def _end_with(parent: int) -> None:
    """In a new process: Linux sends it this signal when its parent is gone (prctl(2)).

    A keeper that was gone before it asked is seen too. The keeper only notes a signal;
    until the command begins, so would this process.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        _C.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)


def keep(
    all_kept: Sequence[Kept], *, each_time: Callable[[], None] = lambda: None
) -> None:
    """Keep these running until SIGTERM or SIGINT; then end them and return."""
    asked: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    before = {s: signal.signal(s, stop) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        while not asked:
            for kept in all_kept:
                kept.look()
            each_time()
            time.sleep(LOOK)
    finally:
        _end(all_kept, asked)
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(all_kept: Sequence[Kept], asked: list[int]) -> None:
    """Ask them to end; a second signal, or the end of patience, kills them."""
    for kept in all_kept:
        kept.ask(signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while any(kept.runs() for kept in all_kept):
        if time.monotonic() > deadline or len(asked) > 1:
            for kept in all_kept:
                kept.ask(signal.SIGKILL)
        time.sleep(0.05)
