"""What nothing proves: how far it may go all the same, and the brake on it.

Two things act without proof, because waiting would be worse: a failure where the site
has chosen to trust address and period (`matching.is_trusted`), and a wish to get
nothing more, which holds the address until somebody decides. Anybody can forge one of
either, so only FEEDBACK_UNPROVEN_AN_HOUR of them act within an hour; the rest wait.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audiences import addresses, sql
from delivery.feedback import return_path
from delivery.feedback.intake.matching import Report
from delivery.models import EventKind, UnprovenEffect

PERIOD = timedelta(hours=1)
KEPT = timedelta(days=1)


def grant() -> bool:
    """Whether something unproven may act now; each grant counts for an hour.

    Under a lock until the transaction ends, so that two workers never grant the last
    one twice.
    """
    now = timezone.now()
    with transaction.atomic():
        sql.hold("feedback:unproven")
        UnprovenEffect.objects.filter(at__lt=now - KEPT).delete()
        granted = UnprovenEffect.objects.filter(at__gte=now - PERIOD)
        if granted.count() >= settings.FEEDBACK_UNPROVEN_AN_HOUR:
            return False
        UnprovenEffect.objects.create(at=now)
    return True


def held_by(reports: list[Report], *, is_held: bool) -> set[tuple[str, str]]:
    """The addresses to hold for reports that prove nothing, if the brake lets them.

    `is_held`: their item holds already, and needs no grant. An item that names several
    addresses holds none.
    """
    return {
        (report.event.channel, report.key or "")
        for report in reports
        if is_probable_will(report) and (is_held or grant())
    }


def is_probable_will(report: Report) -> bool:
    """Whether somebody probably wants nothing more, at an address that we write to."""
    event = report.event
    return (
        event.kind in (EventKind.COMPLAINT, EventKind.UNSUBSCRIBE)
        and report.is_alone
        and report.key is not None
        and not return_path.is_forged(event.clue.return_paths)
        and addresses.with_key(event.channel, report.key).exists()
    )
