"""The site on one machine: what is done before it starts, and what then runs."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from audiences.background.keeping import Kept, keep

MANAGE = (sys.executable, str(settings.BASE_DIR / "manage.py"))


def prepare(say: Callable[[str], None], *, migrates: bool) -> None:
    """Check, migrate, collect style and scripts; raises SystemCheckError."""
    call_command("check", fail_level="ERROR")
    if migrates:
        say("Migrating the database …")
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
    say("Checking the database …")
    call_command("check", databases=["default"], fail_level="ERROR")
    say("Collecting style and scripts …")
    call_command("collectstatic", interactive=False, verbosity=0)
    # What follows is in other processes.
    connection.close()


def run(*, bind: str, web: int, workers: int, threads: int) -> None:
    """Keep web processes and workers running until a signal says stop."""
    figures = _folder_of_figures()
    environment = os.environ | {
        "BIND": bind,
        "WEB_PROCESSES": str(web),
        "WEB_THREADS": str(threads),
        "PROMETHEUS_MULTIPROC_DIR": str(figures),
    }
    gunicorn = (sys.executable, "-m", "gunicorn", "--config")
    kept = [
        Kept(
            "The web server",
            (*gunicorn, "python:campaign.serving.gunicorn"),
            environment,
        )
    ]
    for number in range(workers):
        command = (*MANAGE, "worker", "--unkept")
        kept.append(Kept(f"Worker {number + 1}", command, environment))
    keep(kept)


def _folder_of_figures() -> Path:
    """Where web processes keep figures for /metrics; empty at each start."""
    folder = Path(os.environ.get("METRICS_DIR") or settings.VAR_DIR / "figures")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
