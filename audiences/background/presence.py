"""Who works: each worker writes a sign of life, so that its absence is seen."""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error, close_old_connections
from django.db.models.functions import Now

from audiences.models import Presence

# Seconds between two signs of life.
PAUSE = 15.0
# Without a sign for this long, nobody works.
ABSENT = timedelta(minutes=2)
# What was not seen for this long is forgotten.
FORGOTTEN = timedelta(days=1)

log = logging.getLogger(__name__)


def own_name() -> str:
    """A name that no other process has, on whatever machine: host, process, chance.

    Two containers may have the same host name and the same process number.
    """
    return f"{socket.gethostname()[:60]}-{os.getpid()}-{secrets.token_hex(3)}"


def note(name: str) -> None:
    """Write down that this worker lives."""
    written = Presence.objects.filter(name=name).update(seen_at=Now())
    if not written:
        Presence.objects.get_or_create(
            name=name, defaults={"version": settings.VERSION}
        )
        Presence.objects.filter(seen_at__lt=Now() - FORGOTTEN).delete()


def leave(name: str) -> None:
    """A worker that ends well is not missed."""
    Presence.objects.filter(name=name).delete()


def last_seen() -> datetime | None:
    """When any worker was last seen; None if none ever was."""
    newest = Presence.objects.order_by("-seen_at").first()
    return newest.seen_at if newest else None


def somebody_works() -> bool:
    return Presence.objects.filter(seen_at__gte=Now() - ABSENT).exists()


def keep_noting(name: str, each_time: Callable[[], None] = lambda: None) -> None:
    """Note in a thread of its own until the process ends; `each_time` comes along.

    A database that is away is no reason to end: the next sign follows.
    """

    def run() -> None:
        while True:
            try:
                close_old_connections()
                note(name)
            except Error as error:
                log.warning("No sign of life could be written: %s.", type(error))
            each_time()
            time.sleep(PAUSE)

    threading.Thread(target=run, name="presence", daemon=True).start()
