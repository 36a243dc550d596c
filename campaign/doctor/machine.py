"""The machine: room on disks, file handles, what is served, backups."""

import os
import resource
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from campaign.backups import newest
from campaign.monitoring.machine import rooms

from .findings import Finding, examination, fine, serious, warning
from .work import ago

LEAST_FREE = 1024**3
LEAST_SHARE = 0.05
LEAST_FILES = 1024
OLDEST_BACKUP = timedelta(hours=26)


@examination("disk", night="the-disk-is-full")
def disk() -> Iterator[Finding]:
    for room in rooms():
        # Half of a small one, such as a container's /tmp, which lies in memory.
        least = min(LEAST_FREE, room.total // 2)
        if room.free < max(least, room.total * LEAST_SHARE):
            yield serious(
                "disk",
                f"{room.place}: {room.free / 1024**2:,.0f} MB are free",
                "Make room. A full disk stops opt-outs too.",
            )
        else:
            yield fine("disk", f"{room.place}: {room.free / 1024**3:,.1f} GB are free")


@examination("folders", night="the-disk-is-full")
def folders() -> Iterator[Finding]:
    """Where the site itself writes: figures, backups, and a queue of folders."""
    places = {settings.VAR_DIR, settings.BACKUP_DIR}
    places |= {Path(name) for name in settings.CELERY_BROKER_FOLDERS}
    bad = [place for place in sorted(places) if not _can_be_written(place)]
    for place in bad:
        yield serious(
            "folders",
            f"{place} cannot be written",
            "Give it to the site's user, or name another: VAR_DIR, BACKUP_DIR.",
        )
    if not bad:
        yield fine("folders", "what the site writes to can be written")


def _can_be_written(place: Path) -> bool:
    """Whether it, or the nearest folder that is there to make it in, can be."""
    there = next(each for each in (place, *place.parents) if each.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


@examination("file handles", night="pages-fail")
def handles() -> Iterator[Finding]:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < LEAST_FILES:
        yield warning(
            "file handles",
            f"a process may have {soft} open",
            "ulimit -n 4096, or LimitNOFILE= of systemd.",
        )
    else:
        yield fine("file handles", f"{soft:,} for each process")


@examination("static files", night="pages-fail")
def static_files() -> Iterator[Finding]:
    if settings.DEBUG:
        return
    if not (settings.STATIC_ROOT / "staticfiles.json").exists():
        yield serious(
            "static files",
            f"{settings.STATIC_ROOT} has no list of them: pages fail",
            "manage.py collectstatic --noinput (manage.py serve does it)",
        )
    else:
        yield fine("static files", "collected")


@examination("backups", night="the-backup-does-not-restore")
def backups() -> Iterator[Finding]:
    found = newest(settings.BACKUP_DIR)
    how = "manage.py backup, each night, and copies of it elsewhere"
    if found is None:
        tell = warning if settings.DEBUG else serious
        yield tell("backups", f"none is in {settings.BACKUP_DIR}", how)
    elif found.made_at < timezone.now() - OLDEST_BACKUP:
        yield serious("backups", f"the newest was made {ago(found.made_at)}", how)
    else:
        yield fine("backups", f"the newest was made {ago(found.made_at)}")
    if settings.BACKUP_DIR.is_dir() and os.stat(settings.BACKUP_DIR).st_mode & 0o077:
        yield warning(
            "backups",
            f"others on this machine can look into {settings.BACKUP_DIR}",
            f"chmod 700 {settings.BACKUP_DIR}",
        )
