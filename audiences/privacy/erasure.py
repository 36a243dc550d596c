"""Erasing people: the only code that deletes a profile (A2).

Everything that names the person goes, wherever it is (`places`), in one transaction.
What stays are counts, and events that know a number and nobody behind it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import addresses
from audiences.consent import Kind, locks
from audiences.models import (
    Address,
    ConsentEvent,
    ConsentEvidence,
    Erasure,
    ErasureRun,
    PrivacyRequest,
    Profile,
    Subscription,
)
from audiences.profiles import name_search
from audiences.refusals import Refused
from audiences.signals import profile_erased
from audiences.sql import statements
from audiences.sql.retries import retried
from audiences.subscriptions import double_opt_in

from .people import Person
from .places import all_places
from .traces import NOTHING

Reason = Erasure.Reason


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why people are erased, for the event that stays: by whom, by which request."""

    reason: str = Reason.OWN_WISH
    actor: str = ""
    note: str = ""
    request: PrivacyRequest | None = None
    run: ErasureRun | None = None
    rule: str = ""


OWN_WISH = Why()


@dataclass(frozen=True)
class Plan:
    """What an erasure takes away, and what stays: shown before it is confirmed."""

    goes: list[tuple[str, int]]
    stays: list[str]


class Restricted(Refused):
    """Nothing about the person may be changed until the restriction is lifted."""


def erase(profile: Profile, why: Why = OWN_WISH) -> None:
    """Remove a person for ever; raises Restricted.

    Profile, addresses, subscriptions and evidence go, and so does what names the person
    in logs, notes, mails, files of imports and reports. Events stay, and name nothing
    but its number.
    """
    erase_all([profile], why)


@retried
def erase_all(profiles: Iterable[Profile], why: Why = OWN_WISH) -> int:
    """`erase` for several, in one transaction; returns how many were still there.

    Texts are searched once for all of them.
    """
    ids = sorted(profile.pk for profile in profiles)
    rows = Profile.objects.select_for_update(of=("self",)).filter(pk__in=ids)
    people = [Person.of(profile) for profile in rows.order_by("pk")]
    _refuse_restricted(people, why)
    traces = sum((person.traces for person in people), NOTHING)
    for person in people:
        _forget(person)
    for place in all_places():
        place.black_out(traces)
    Erasure.objects.bulk_create(_event(person, why) for person in people)
    name_search.forget_erased()
    transaction.on_commit(statements.empty_log)
    return len(people)


def _forget(person: Person) -> None:
    """Delete the rows of a person; events and counts stay."""
    profile_erased.send(sender=Profile, profile_id=person.pk, addresses=person.about)
    for place in all_places():
        if place.erase:
            place.erase(person)
    addresses.lock(Address.objects.filter(profile=person.pk))
    Profile.objects.filter(pk=person.pk).delete()
    # Last: the database lets go of evidence only once its person is gone.
    ConsentEvidence.objects.filter(event__profile_id=person.pk).delete()


def _event(person: Person, why: Why) -> Erasure:
    return Erasure(
        profile_id=person.pk,
        reason=why.reason,
        actor=why.actor,
        note=person.traces.without(why.note),
        request=why.request,
        run=why.run,
        rule=why.rule,
    )


def _refuse_restricted(people: list[Person], why: Why) -> None:
    """Kept data that is restricted is not erased by time: the person may need it.

    The person's own wish to be erased outweighs their wish that it be kept.
    """
    if why.reason == Reason.OWN_WISH:
        return
    held = restricted_among(person.pk for person in people)
    if held:
        numbers = ", ".join(f"#{pk}" for pk in sorted(held))
        raise Restricted(
            _(
                "The data of {who} is restricted: nothing of it may be erased until "
                "the restriction is lifted."
            ).format(who=numbers)
        )


def restricted_among(ids: Iterable[int]) -> set[int]:
    """Those of the profiles whose data is restricted now (GDPR 18)."""
    rows = PrivacyRequest.objects.filter(
        kind=PrivacyRequest.Kind.RESTRICTION,
        state=PrivacyRequest.State.GRANTED,
        profile_id__in=list(ids),
    )
    return set(rows.values_list("profile_id", flat=True))


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
                erase(locked, Why(reason=Reason.RETENTION, rule="unconfirmed"))
            count += 1
    return count


def _has_reason_to_stay(profile: Profile) -> bool:
    events = ConsentEvent.objects.filter(profile=profile, kind__in=_REASONS_TO_STAY)
    running = profile.subscriptions.filter(status__in=[Status.ACTIVE, Status.PENDING])
    return bool(profile.external_id) or events.exists() or running.exists()
