"""Checkpoints sent where the owner of the database cannot reach them.

To a file, a mail address, a web address, and to a time-stamping service, as the
settings name them. Each place has a row that says how far it is: what fails is tried
again with the newest checkpoint, and told of in the console.
"""

from collections.abc import Callable
from pathlib import Path

import requests
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from audiences import sql
from audiences.ledger.checkpoints import newest
from audiences.models import LedgerCheckpoint, LedgerOutlet, LedgerStamp
from audiences.refusals import Refused

from . import time_stamps

PATIENCE = 30


def _to_file(checkpoint: LedgerCheckpoint) -> None:
    """Append: a file may hold many notes, with an empty line between them."""
    with Path(settings.LEDGER_FILE).open("a", encoding="utf-8") as file:
        file.write(checkpoint.note + "\n")


def _to_mail(checkpoint: LedgerCheckpoint) -> None:
    EmailMessage(
        subject=f"Checkpoint of {checkpoint.size} leaves",
        body=checkpoint.note,
        to=[settings.LEDGER_MAIL],
    ).send()


def _to_web(checkpoint: LedgerCheckpoint) -> None:
    requests.post(
        settings.LEDGER_URL,
        data=checkpoint.note.encode(),
        headers={"Content-Type": "text/plain; charset=utf-8"},
        timeout=PATIENCE,
        allow_redirects=False,
    ).raise_for_status()


def _to_be_stamped(checkpoint: LedgerCheckpoint) -> None:
    stamp = time_stamps.stamp(checkpoint.note, settings.LEDGER_STAMP_URL)
    LedgerStamp.objects.create(
        checkpoint=checkpoint, token=stamp.answer, stamped_at=stamp.at
    )


PLACES: dict[str, Callable[[LedgerCheckpoint], None]] = {
    "LEDGER_FILE": _to_file,
    "LEDGER_MAIL": _to_mail,
    "LEDGER_URL": _to_web,
    "LEDGER_STAMP_URL": _to_be_stamped,
}


def send() -> int:
    """Send the newest checkpoint to each place that lacks it; returns to how many."""
    checkpoint = newest()
    if checkpoint is None:
        return 0
    with sql.process_lock("ledger-outlets"):
        return sum(
            _send(name, place, checkpoint)
            for name, place in PLACES.items()
            if getattr(settings, name)
        )


def _send(
    name: str, place: Callable[[LedgerCheckpoint], None], checkpoint: LedgerCheckpoint
) -> bool:
    row, _is_new = LedgerOutlet.objects.get_or_create(name=name)
    if row.size >= checkpoint.size:
        return False
    try:
        place(checkpoint)
    # Whatever a mail backend or a disk raises: the others are still to be sent to.
    except Exception as error:
        said = str(error) if isinstance(error, Refused) else f"{error!r}"
        row.problem = said[:500]
        row.save(update_fields=["problem"])
        return False
    row.size, row.sent_at, row.problem = checkpoint.size, timezone.now(), ""
    row.save()
    return True


def problems() -> list[LedgerOutlet]:
    """Places that are still named, and did not take the newest checkpoint."""
    named = [name for name in PLACES if getattr(settings, name)]
    return list(LedgerOutlet.objects.filter(name__in=named).exclude(problem=""))
