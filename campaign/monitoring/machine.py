"""What the machine knows, with or without its database: room, backups, the queue."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.db import connection
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as Collecting

from audiences.sql import is_postgresql
from campaign import backups

# Seconds that the queue has to answer.
PATIENCE = 2


@dataclass(frozen=True)
class Room:
    """A folder that the site writes to, and the bytes of its file system."""

    place: Path
    free: int
    total: int


def rooms() -> list[Room]:
    """Where the site writes, each file system once; PostgreSQL's own is not known."""
    places = {settings.VAR_DIR, settings.BACKUP_DIR, Path("/tmp")}  # noqa: S108
    if not is_postgresql():
        places.add(Path(str(connection.settings_dict["NAME"])).parent)
    found: dict[int, Room] = {}
    for place in sorted(places):
        with suppress(OSError):
            usage = shutil.disk_usage(place)
            room = Room(place, usage.free, usage.total)
            found.setdefault(place.stat().st_dev, room)
    return list(found.values())


def ask_queue() -> None:
    """Reach the queue, or raise what its library raises."""
    with current_app.connection_for_write(
        connect_timeout=PATIENCE,
        transport_options={"socket_connect_timeout": PATIENCE},
    ) as asked:
        # It would wait two seconds before its second try.
        asked.ensure_connection(max_retries=1, interval_start=0, timeout=PATIENCE)


class Collector(Collecting):
    """Figures that need no database, so that they are there while it is away."""

    def collect(self) -> Iterator[Metric]:
        yield from _rooms()
        yield from _backups()
        yield from _queue()


def _rooms() -> Iterator[Metric]:
    free = GaugeMetricFamily(
        "campaign_disk_free_bytes",
        "Bytes that are free where the site writes.",
        labels=["place"],
    )
    total = GaugeMetricFamily(
        "campaign_disk_bytes", "All bytes there.", labels=["place"]
    )
    for room in rooms():
        free.add_metric([str(room.place)], room.free)
        total.add_metric([str(room.place)], room.total)
    yield free
    yield total


def _backups() -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "campaign_backup_age_seconds",
        "Seconds since the newest backup in BACKUP_DIR was made; absent without one.",
    )
    if newest := backups.newest(settings.BACKUP_DIR):
        seconds = (timezone.now() - newest.made_at).total_seconds()
        age.add_metric([], max(0.0, seconds))
    yield age


def _queue() -> Iterator[Metric]:
    reached = GaugeMetricFamily(
        "campaign_queue_reached",
        "Whether the queue answers; absent where it is a folder.",
    )
    if not settings.CELERY_BROKER_FOLDERS:
        try:
            ask_queue()
        except Exception:  # of whichever library
            reached.add_metric([], 0)
        else:
            reached.add_metric([], 1)
    yield reached
