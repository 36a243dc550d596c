"""Erasing people: the only code that deletes a profile (A2).

Everything that names the person goes, wherever it is (`places`), in one transaction.
What stays are counts, and events that know a number and nobody behind it. The last one
says that the person was erased, by whom and why.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import addresses, consent, ledger, suppression
from audiences.consent import Kind, Origin, Source, locks
from audiences.models import (
    Address,
    ConsentEvent,
    ConsentEvidence,
    Profile,
    Subscription,
)
from audiences.profiles import name_search
from audiences.signals import profile_erased
from audiences.sql import statements
from audiences.sql.retries import retried
from audiences.subscriptions import double_opt_in
from audiences.suppression import ErasedFor
from audiences.suppression.restriction import Restricted, restricted_among
from audiences.suppression.traces import NOTHING

from .people import Person
from .places import all_places

BY_SYSTEM = Origin(source=Source.SYSTEM)


@dataclass(frozen=True)
class Plan:
    """What an erasure takes away, and what stays: shown before it is confirmed."""

    goes: list[tuple[str, int]]
    stays: list[str]


def erase(
    profile: Profile,
    *,
    reason: str = ErasedFor.OWN_WISH,
    origin: Origin = BY_SYSTEM,
) -> None:
    """Remove a person for ever; raises NoKey and Restricted, and then does nothing.

    Profile, addresses, subscriptions and evidence go, and so does what names the person
    in logs, notes, mails, files of imports and reports. Events stay, and name nothing
    but its number; the last one says that it was erased, and keeps its evidence.
    Addresses are suppressed, all or those that were blocked, as `reason` says; so are
    those that the person had before, as far as nobody else has them.
    """
    erase_all([profile], reason=reason, origin=origin)


@retried
def erase_all(
    profiles: Iterable[Profile],
    *,
    reason: str = ErasedFor.OWN_WISH,
    origin: Origin = BY_SYSTEM,
) -> int:
    """`erase` for several, in one transaction; returns how many were still there.

    Texts are searched once for all of them, so a few dozen at a time are quickest.
    """
    ids = sorted(profile.pk for profile in profiles)
    rows = Profile.objects.select_for_update(of=("self",)).filter(pk__in=ids)
    people = [Person.of(profile) for profile in rows.order_by("pk")]
    _refuse_restricted(people, reason)
    traces = sum((person.traces for person in people), NOTHING)
    for person in people:
        _forget(person, reason, origin)
    for place in all_places():
        place.black_out(traces)
    if people:
        name_search.forget_erased()
        transaction.on_commit(statements.empty_log)
    return len(people)


def _forget(person: Person, reason: str, origin: Origin) -> None:
    """Delete the rows of a person; events and counts stay."""
    profile_erased.send(sender=Profile, profile_id=person.pk, addresses=person.about)
    suppression.suppress_person(person.profile, reason, former=person.free)
    for place in all_places():
        if place.erase:
            place.erase(person)
    addresses.lock(Address.objects.filter(profile=person.pk))
    origin = replace(origin, note=person.traces.without(origin.note))
    consent.record(person.profile, Kind.ERASE, origin)
    Profile.objects.filter(pk=person.pk).delete()
    # Last: the database lets go of evidence only once its person is gone.
    evidence = ConsentEvidence.objects.filter(event__profile_id=person.pk)
    evidence.exclude(event__kind=Kind.ERASE).delete()
    ledger.forget(person.pk)


def _refuse_restricted(people: list[Person], reason: str) -> None:
    """Data that is restricted is not erased by time: the person may need it.

    The person's own wish to be erased outweighs the one that it be kept.
    """
    if reason == ErasedFor.OWN_WISH:
        return
    if held := restricted_among(person.pk for person in people):
        raise Restricted(
            _(
                "The data of {who} is restricted: nothing of it may be erased until "
                "the restriction is lifted."
            ).format(who=", ".join(f"#{pk}" for pk in sorted(held)))
        )


# ------------------------------------------------------------------ before it is done
def plan(profile: Profile) -> Plan:
    """What erasing the person would take away, counted by place, and what stays."""
    person = Person.of(profile)
    goes = [(place.title, place.count(person)) for place in all_places()]
    stays = [str(place.stays) for place in all_places() if place.stays]
    return Plan([(title, count) for title, count in goes if count], stays)


# ------------------------------------------------------------ what nobody confirmed
Status = Subscription.Status
# Anything that makes a profile more than the shell of a request.
_REASONS_TO_STAY = (Kind.OPT_IN, Kind.SUBSCRIBE, Kind.CONFIRM)


def clean_up(now: datetime | None = None) -> int:
    """Erase requests that have expired; returns how many.

    The profile goes too, if it was made only for the request.
    """
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
                erase(locked, reason=ErasedFor.RETENTION)
            count += 1
    return count


def _has_reason_to_stay(profile: Profile) -> bool:
    events = ConsentEvent.objects.filter(profile=profile, kind__in=_REASONS_TO_STAY)
    running = profile.subscriptions.filter(status__in=[Status.ACTIVE, Status.PENDING])
    return (
        bool(profile.external_id)
        or events.exists()
        or running.exists()
        or bool(restricted_among([profile.pk]))
    )
