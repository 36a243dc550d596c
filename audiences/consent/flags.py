"""Opt-out and opt-in: the only writer of the flags and of the consent history.

A change and its event are one transaction. The profile's row is locked before its flag
is read and before the event gets its id, so that two writers never record one change
twice and the events in the order of their ids always fold to the flags. An opt-out is
never cleared implicitly: only `opt_in` clears a flag.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import (
    BigIntegerField,
    DateTimeField,
    F,
    Max,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.expressions import Combinable
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences.channels import ANY_FLAG, Scope
from audiences.models import (
    ConsentEvent,
    ConsentEvidence,
    Profile,
    Service,
    StagedProfile,
)
from audiences.refusals import Refused
from audiences.sql import statements as bulk_sql

Kind = ConsentEvent.Kind
Source = ConsentEvent.Source

# Whoever acts for somebody else must say why the person may be contacted again.
NOTE_NEEDED = (Source.OPERATOR, Source.COMMAND, Source.IMPORT)


class ConsentError(Refused):
    """The change is not allowed; the message says what is missing."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who or what makes a change, and the proof of it (GDPR 7(1)).

    `at` is the moment of the person's act when that is not now.
    """

    source: str
    note: str = ""
    actor: str = ""
    ip: str | None = None
    user_agent: str = ""
    wording_version: str = ""
    delivery_id: int | None = None
    at: datetime | None = None

    @property
    def has_evidence(self) -> bool:
        return bool(self.note or self.actor or self.ip or self.user_agent)


@dataclass(frozen=True)
class Result:
    """Whether a change was needed, what to know besides, and the event if there is.

    `is_pending`: a subscription waits for the person to confirm it.
    """

    changed: bool
    warning: str = ""
    event_id: int | None = None
    is_pending: bool = False


def opt_out(profile: Profile, scope: str, origin: Origin) -> Result:
    """Set the flag of a channel or of "any" for all addresses of the profile (P2, P3).

    Opting out twice changes nothing and records nothing.
    """
    return _set_flag(profile, Scope(scope), opted_out=True, origin=origin)


def opt_in(profile: Profile, scope: str, origin: Origin) -> Result:
    """Clear the flag of a channel or of "any"; the other flags stay as they are (P2).

    Raises ConsentError when an operator, a command or an import gives no note. Warns
    when the profile still cannot be contacted because "any" is set.
    """
    _require_note(origin)
    return _set_flag(profile, Scope(scope), opted_out=False, origin=origin)


def opt_out_all(profiles: QuerySet[Profile], scope: str, origin: Origin) -> int:
    """`opt_out` for a queryset, set-based; returns how many profiles changed."""
    return _set_flags(profiles, Scope(scope), opted_out=True, origin=origin)


def opt_in_all(profiles: QuerySet[Profile], scope: str, origin: Origin) -> int:
    """`opt_in` for a queryset, set-based; returns how many profiles changed."""
    _require_note(origin)
    return _set_flags(profiles, Scope(scope), opted_out=False, origin=origin)


def lacks_note(origin: Origin) -> bool:
    """Whether somebody acts for another person without saying why."""
    return origin.source in NOTE_NEEDED and not origin.note.strip()


def _require_note(origin: Origin) -> None:
    if lacks_note(origin):
        raise ConsentError(
            _("An opt-in needs a note that says how the person asked for it.")
        )


def _set_flag(
    profile: Profile, scope: Scope, *, opted_out: bool, origin: Origin
) -> Result:
    with transaction.atomic():
        locked = lock(profile, scope.flag, ANY_FLAG)
        result = change_flag(locked, scope, opted_out=opted_out, origin=origin)
    setattr(profile, scope.flag, opted_out)
    return result


def change_flag(
    locked: Profile, scope: str, *, opted_out: bool, origin: Origin
) -> Result:
    """`opt_out` or `opt_in` of a profile that the caller has locked and then read.

    For callers that read more under the same lock, or change several things at once.
    """
    scope = Scope(scope)
    event = None
    if getattr(locked, scope.flag) != opted_out:
        Profile.objects.filter(pk=locked.pk).update(**{scope.flag: opted_out})
        event = record(locked, _kind(opted_out), origin, scope=scope)
        setattr(locked, scope.flag, opted_out)
    warning = ""
    if not opted_out and scope != Scope.ANY and locked.no_longer_contact:
        warning = _("The profile is still opted out of any channel.")
    return Result(bool(event), warning, event.pk if event else None)


def _set_flags(
    profiles: QuerySet[Profile], scope: Scope, *, opted_out: bool, origin: Origin
) -> int:
    with transaction.atomic():
        count = stage(profiles, **{scope.flag: not opted_out})
        if count:
            staged().update(**{scope.flag: opted_out})
            record_staged(_kind(opted_out), origin, scope=scope)
        return count


def _kind(opted_out: bool) -> Kind:
    return Kind.OPT_OUT if opted_out else Kind.OPT_IN


def lock(profile: Profile, *fields: str) -> Profile:
    """Lock the profile's row and read these fields of it again."""
    return rows_to_lock().only(*fields).get(pk=profile.pk)


def rows_to_lock() -> QuerySet[Profile]:
    """Profiles whose rows are locked as they are read: what a writer begins with."""
    return Profile.objects.select_for_update(of=("self",))


def stage(profiles: QuerySet[Profile], **condition: object) -> int:
    """Lock and stage those profiles of a queryset that meet a condition.

    The queryset may join, repeat rows, be ordered or sliced.
    """
    # The order decides what a slice or a DISTINCT ON takes; else it is a wasted sort.
    query = profiles.query
    ordered = query.is_sliced or query.distinct_fields or query.combinator
    chosen = (profiles if ordered else profiles.order_by()).values("pk")
    return bulk_sql.stage_profiles(
        Profile.objects.filter(pk__in=chosen).filter(**condition)
    )


def unstage(profile_ids: QuerySet[Any, Any]) -> int:
    """Leave these out again, now that the locks are held; returns how many are left.

    What a condition reads from *other* tables may have changed while `stage` waited.
    """
    StagedProfile.objects.filter(id__in=profile_ids).delete()
    return StagedProfile.objects.count()


def staged() -> QuerySet[Profile]:
    return Profile.objects.filter(pk__in=StagedProfile.objects.values("id"))


def record(
    profile: Profile,
    kind: Kind,
    origin: Origin,
    *,
    scope: str = "",
    service: Service | None = None,
) -> ConsentEvent:
    """Write one event with its evidence; the caller has locked the profile."""
    event = ConsentEvent.objects.create(
        profile_id=profile.pk,
        at=origin.at or timezone.now(),
        kind=kind,
        channel=scope,
        service=service,
        source=origin.source,
        wording_version=origin.wording_version,
        delivery_id=origin.delivery_id,
    )
    if origin.has_evidence:
        ConsentEvidence.objects.create(
            event=event,
            note=origin.note,
            actor=origin.actor,
            ip=origin.ip,
            user_agent=origin.user_agent,
        )
    return event


def record_staged(
    kind: Kind,
    origin: Origin,
    *,
    scope: str = "",
    service: Service | None = None,
    at: Combinable | None = None,
) -> None:
    """Write one event with its evidence for every staged profile.

    `at` is the moment where each has its own.
    """
    before = ConsentEvent.objects.aggregate(last=Max("id"))["last"] or 0
    bulk_sql.insert_select(
        ConsentEvent,
        [
            "profile_id",
            "at",
            "kind",
            "channel",
            "service_id",
            "source",
            "wording_version",
            "delivery_id",
        ],
        StagedProfile.objects.order_by("id").values_list(
            F("id"),
            at or Value(origin.at or timezone.now(), DateTimeField()),
            Value(str(kind), TextField()),
            Value(str(scope), TextField()),
            Value(service.pk if service else None, BigIntegerField()),
            Value(str(origin.source), TextField()),
            Value(origin.wording_version, TextField()),
            Value(origin.delivery_id, BigIntegerField()),
        ),
    )
    if not origin.has_evidence:
        return
    # Only this transaction can have written later events of the staged profiles.
    events = ConsentEvent.objects.filter(
        id__gt=before, profile_id__in=StagedProfile.objects.values("id")
    )
    bulk_sql.insert_select(
        ConsentEvidence,
        ["event_id", "note", "actor", "ip", "user_agent"],
        events.order_by("id").values_list(
            F("id"),
            Value(origin.note, TextField()),
            Value(origin.actor, TextField()),
            Value(origin.ip, ConsentEvidence._meta.get_field("ip")),
            Value(origin.user_agent, TextField()),
        ),
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One event about a service, of those that `record_steps` writes together."""

    profile_id: int
    service_id: int
    kind: str
    at: datetime


def record_steps(steps: Sequence[Step], origin: Origin) -> None:
    """Write events of many profiles, in this order; the caller has locked them."""
    ids = bulk_sql.draw_ids(ConsentEvent, len(steps))
    columns = ("id", "profile_id", "at", "kind", "channel", "service_id", "source")
    rest = (origin.wording_version, origin.delivery_id)
    bulk_sql.bulk_insert(
        ConsentEvent,
        [*columns, "wording_version", "delivery_id"],
        (
            (pk, s.profile_id, s.at, s.kind, "", s.service_id, origin.source, *rest)
            for pk, s in zip(ids, steps, strict=True)
        ),
    )
    if origin.has_evidence:
        proof = (origin.note, origin.actor, origin.ip, origin.user_agent)
        bulk_sql.bulk_insert(
            ConsentEvidence,
            ["event_id", "note", "actor", "ip", "user_agent"],
            ((pk, *proof) for pk in ids),
        )
