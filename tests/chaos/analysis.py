"""Opt-outs while analyses run: python -m tests.chaos.analysis [N] [RATE] [RUNS]

On PostgreSQL. Writers opt people out, one by one, RATE a second, while N people are
analysed on two connections, RUNS times. Then each opt-out that was committed before the
run was seen to be ready must not be in its target. Where the server keeps commit
timestamps (track_commit_timestamp), these decide; else the moments that the writers and
a watcher noted. Printed: how many opt-outs there were, how many of them the results
missed, and how long the writers waited.
"""

import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

CONNECTIONS = 2
WRITERS = 4


@dataclass
class Written:
    """An opt-out: whose, and when it began and had been committed."""

    profile_id: int
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass
class Trial:
    """An analysis among writers."""

    delivery: Any
    people: list[int]
    rate: float
    seed: int = 0
    written: list[Written] = field(default_factory=list)
    last_not_ready: float = 0.0
    stopping: Event = field(default_factory=Event)

    def run(self, *, settle: float = 0.3) -> None:
        """Let writers begin, analyse, and let them go on for a moment."""
        from delivery import analysis

        chance = random.Random(self.seed)
        order = chance.sample(self.people, len(self.people))
        parts = [order[number::WRITERS] for number in range(WRITERS)]
        threads = [Thread(target=self._write, args=(part,)) for part in parts]
        threads.append(Thread(target=self._watch))
        for thread in threads:
            thread.start()
        time.sleep(settle)
        try:
            analysis.analyse(self.delivery, connections=CONNECTIONS)
            time.sleep(settle)
        finally:
            self.stopping.set()
            for thread in threads:
                thread.join()

    def _write(self, people: list[int]) -> None:
        from django.db import connection

        from audiences import consent
        from audiences.models import Profile
        from tests.factories import BY_COMMAND

        pause, due = WRITERS / self.rate, time.monotonic()
        try:
            for pk in people:
                due += pause
                if self.stopping.wait(max(due - time.monotonic(), 0)):
                    return
                profile = Profile.objects.get(pk=pk)
                began = time.monotonic()
                consent.opt_out(profile, self.delivery.channel, BY_COMMAND)
                self.written.append(Written(pk, began, time.monotonic()))
        finally:
            connection.close()

    def _watch(self) -> None:
        """Note the last moment at which nobody could see that the run was ready."""
        from django.db import connection

        from delivery.models import Analysis

        try:
            while not self.stopping.is_set():
                now = time.monotonic()
                if Analysis.objects.filter(
                    delivery=self.delivery, state=Analysis.State.READY
                ).exists():
                    return
                self.last_not_ready = now
                time.sleep(0.001)
        finally:
            connection.close()

    def missed(self) -> list[int]:
        """Who opted out before the run was ready, and stands in its target."""
        from delivery.models import Outcome

        early = self._before_by_server()
        if early is None:
            early = {
                w.profile_id for w in self.written if w.ended < self.last_not_ready
            }
        target = Outcome.objects.filter(delivery=self.delivery, rule__isnull=True)
        return sorted(early & {*target.values_list("profile_id", flat=True)})

    def _before_by_server(self) -> set[int] | None:
        """Whose opt-out was committed before the run became ready, as the server says."""
        from audiences.sql import fetch

        if fetch("SHOW track_commit_timestamp")[0][0] != "on":
            return None
        run = self.delivery.latest_analysis
        rows = fetch(
            "SELECT profile_id FROM audiences_consentevent WHERE"
            " pg_xact_commit_timestamp((transaction_id::text::xid8)::xid)"
            " < pg_xact_commit_timestamp((%s::text::xid8)::xid)",
            [run.ready_in],
        )
        return {pk for (pk,) in rows} & {w.profile_id for w in self.written}


def measure(count: int, rate: float, runs: int) -> None:
    """Run in a process of its own, on a migrated, empty database."""
    import django

    django.setup()
    from audiences.models import Profile, Service
    from delivery import deliveries
    from tests.benchmarks.bench_analysis import fill

    typology = fill(count)
    service = Service.objects.get()
    flags = {"no_longer_contact": False, "no_longer_contact_email": False}
    for number in range(runs):
        left = Profile.objects.filter(**flags).values_list("pk", flat=True)
        delivery = deliveries.create(
            f"run {number}", channel="email", service=service, typology=typology
        )
        trial = Trial(delivery, list(left[: 200 * int(rate)]), rate, number)
        trial.run()
        waits = sorted(w.seconds * 1000 for w in trial.written)
        run = delivery.latest_analysis
        assert run
        print(
            f"{count:,} people, {run.seconds:.1f} s; {len(waits)} opt-outs,"
            f" {len(trial.missed())} missed; they took"
            f" {statistics.median(waits):.1f} ms at the median,"
            f" {waits[int(len(waits) * 0.99)]:.0f} at p99, {waits[-1]:.0f} at most",
            flush=True,
        )


def main(arguments: list[str]) -> None:
    from tests.benchmarks.databases import manage, postgresql

    with postgresql() as url:
        manage(url, "migrate", "-v0")
        environment = os.environ | {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "campaign.settings",
        }
        command = [sys.executable, "-m", "tests.chaos.analysis", "--measure"]
        subprocess.run([*command, *arguments], env=environment, check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        given = [*sys.argv[2:], *["100000", "200", "5"][len(sys.argv) - 2 :]]
        measure(int(given[0]), float(given[1]), int(given[2]))
    else:
        main(sys.argv[1:])
