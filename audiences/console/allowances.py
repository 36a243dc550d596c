"""A few at once, and back slowly: what is counted to slow down whoever guesses.

An allowance is a bucket that leaks. Whoever has used up theirs waits until one has come
back; nobody is shut out until somebody acts, and no day begins with a full bucket.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from audiences.models import Allowance

Scope = Allowance.Scope
# After this time even the slowest allowance is whole again.
KEPT = timedelta(days=2)


@dataclass(frozen=True)
class Bucket:
    """`most` at once; as many come back in `period`, one after the other."""

    scope: Scope
    most: int
    period: timedelta = timedelta(hours=1)

    def spend(self, subject: str, now: datetime | None = None) -> bool:
        """Count one; false, and nothing is counted, when all are used up.

        Two at the same time cannot both have the last one: the row is locked.
        """
        at = now or timezone.now()
        with transaction.atomic():
            row = self._locked(subject, at)
            used = self._used(row, at)
            if used + 1 > self.most:
                return False
            row.used, row.at = used + 1, at
            row.save(update_fields=["used", "at"])
        return True

    def give_back(self, subject: str) -> None:
        """Take back one that was counted before it was known to be right."""
        with transaction.atomic():
            row = self._locked(subject, timezone.now())
            row.used = max(0.0, row.used - 1)
            row.save(update_fields=["used"])

    def wait(self, subject: str, now: datetime | None = None) -> int:
        """Seconds until the next one is allowed; 0 when it is."""
        at = now or timezone.now()
        row = self._rows(subject).first()
        over = self._used(row, at) + 1 - self.most if row else 0
        return ceil(max(0.0, over) * self.period.total_seconds() / self.most)

    def forget(self, subject: str) -> None:
        self._rows(subject).delete()

    def _rows(self, subject: str) -> QuerySet[Allowance]:
        return Allowance.objects.filter(scope=self.scope, subject=self._hash(subject))

    def _hash(self, subject: str) -> str:
        return salted_hmac(f"audiences.allowances.{self.scope}", subject).hexdigest()

    def _locked(self, subject: str, at: datetime) -> Allowance:
        row = Allowance(scope=self.scope, subject=self._hash(subject), at=at)
        Allowance.objects.bulk_create([row], ignore_conflicts=True)
        return self._rows(subject).select_for_update().get()

    def _used(self, row: Allowance, at: datetime) -> float:
        passed = max(timedelta(), at - row.at)
        return max(0.0, row.used - self.most * (passed / self.period))


def clean_up(now: datetime | None = None) -> int:
    """Remove what has come back long ago; returns how many rows."""
    before = (now or timezone.now()) - KEPT
    return Allowance.objects.filter(at__lt=before).delete()[0]
