"""Erasing a person: the only code that deletes a profile (A2).

Requests for subscriptions that nobody confirmed are erased after their time, and the
profile too, if it was made only for the request.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from audiences import addresses, ledger
from audiences.consent import Kind, locks
from audiences.models import (
    Address,
    ConsentEvent,
    ConsentEvidence,
    Profile,
    Subscription,
)
from audiences.signals import profile_erased
from audiences.signups import requesting
from audiences.sql.retries import retried
from audiences.subscriptions import double_opt_in


@retried
def erase(profile: Profile) -> None:
    """Remove a person: profile, addresses, subscriptions and evidence; events stay.

    The only code that deletes a profile. The events name nothing but its number. What
    visitors asked for with its addresses goes too.
    """
    requesting.forget(profile)
    Profile.objects.select_for_update(of=("self",)).get(pk=profile.pk)
    profile_erased.send(sender=Profile, profile_id=profile.pk)
    addresses.lock(Address.objects.filter(profile=profile))
    Profile.objects.filter(pk=profile.pk).delete()
    # Last: the database lets go of evidence only once its person is gone.
    ConsentEvidence.objects.filter(event__profile_id=profile.pk).delete()
    ledger.forget(profile.pk)


Status = Subscription.Status
# Anything that makes a profile more than the shell of a request.
_REASONS_TO_STAY = (Kind.OPT_IN, Kind.SUBSCRIBE, Kind.CONFIRM)


def clean_up(now: datetime | None = None) -> int:
    """Erase requests that have expired; returns how many."""
    at = now or timezone.now()
    due = Subscription.objects.filter(status=Status.PENDING, expires_at__lte=at)
    count = 0
    for pk, profile_id in list(due.order_by("pk").values_list("pk", "profile_id")):
        with transaction.atomic():
            locked = locks.rows_to_lock().filter(pk=profile_id).first()
            held = due.filter(pk=pk).select_related("service").first()
            if locked is None or held is None:  # confirmed or erased meanwhile
                continue
            was_made_for_it = held.made_profile
            double_opt_in.lapse(locked, held, at)
            if was_made_for_it and not _has_reason_to_stay(locked):
                erase(locked)
            count += 1
    return count


def _has_reason_to_stay(profile: Profile) -> bool:
    events = ConsentEvent.objects.filter(profile=profile, kind__in=_REASONS_TO_STAY)
    running = profile.subscriptions.filter(status__in=[Status.ACTIVE, Status.PENDING])
    return bool(profile.external_id) or events.exists() or running.exists()
