"""Proof that the present state is what the history says, set-based.

The events of a profile, folded in the order of their ids, must give its flags and its
subscriptions. Differences come from the database: no profile passes through Python
unless it differs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Exists, Max, OuterRef, QuerySet

from audiences.channels import FLAGS
from audiences.consent import Kind, guards
from audiences.models import ConsentEvent, Profile, Subscription
from audiences.subscriptions.writing import STATUS_AFTER

from .evidence import evidence_differences


@dataclass
class Verification:
    """What `verify_consent` found; consistent when nothing but erased ids is listed."""

    differences: list[str] = field(default_factory=list)
    missing_guards: list[str] = field(default_factory=list)
    erased_profiles: list[int] = field(default_factory=list)

    @property
    def is_consistent(self) -> bool:
        return not self.differences and not self.missing_guards


def verify_consent() -> Verification:
    """Fold the history, compare it with flags and subscriptions, check the guards."""
    return Verification(
        differences=[
            *_flag_differences(),
            *_subscription_differences(),
            *evidence_differences(),
        ],
        missing_guards=guards.missing(),
        erased_profiles=list(
            ConsentEvent.objects.exclude(profile_id__in=Profile.objects.values("pk"))
            .order_by("profile_id")
            .values_list("profile_id", flat=True)
            .distinct()
        ),
    )


def _flag_differences() -> Iterator[str]:
    latest = _latest(ConsentEvent.objects.filter(kind__in=ConsentEvent.FLAG_KINDS))
    opted_out = latest.filter(kind=Kind.OPT_OUT)
    for scope, flag in FLAGS.items():
        flagged = Profile.objects.order_by().filter(**{flag: True}).values_list("pk")
        in_history = opted_out.filter(channel=scope).values_list("profile_id")
        for (profile_id,) in flagged.difference(in_history):
            yield (
                f"profile {profile_id}: {flag} is set, "
                "but the history does not end with an opt-out"
            )
        for (profile_id,) in in_history.difference(flagged):
            yield (
                f"profile {profile_id}: {flag} is clear, "
                "but the history ends with an opt-out"
            )


def _subscription_differences() -> Iterator[str]:
    latest = _latest(ConsentEvent.objects.filter(kind__in=list(STATUS_AFTER)))
    columns = ("profile_id", "service_id")
    for status in Subscription.Status:
        kinds = [kind for kind, after in STATUS_AFTER.items() if after == status]
        rows = Subscription.objects.order_by().filter(status=status)
        held = rows.values_list(*columns)
        in_history = latest.filter(kind__in=kinds).values_list(*columns)
        for profile_id, service_id in held.difference(in_history):
            yield (
                f"profile {profile_id}, service {service_id}: the subscription is "
                f"{status}, but the history does not say so"
            )
        for profile_id, service_id in in_history.difference(held):
            yield (
                f"profile {profile_id}, service {service_id}: the history ends in "
                f"{status}, but the subscription does not"
            )


def _latest(events: QuerySet[ConsentEvent]) -> QuerySet[ConsentEvent]:
    """The last event of each profile about each channel or service.

    Without the events of erased profiles, which have no state to compare with.
    """
    about = ("profile_id", "channel", "service_id")
    last = events.order_by().values(*about).annotate(last=Max("id")).values("last")
    known = Exists(Profile.objects.filter(pk=OuterRef("profile_id")))
    return ConsentEvent.objects.order_by().filter(known, pk__in=last)
