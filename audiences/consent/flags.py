"""Opt-out and opt-in: the only writer of the flags and of the consent history.

A change and its event are one transaction. The profile's row is locked before its flag
is read and before the event gets its id, so that two writers never record one change
twice and the events in the order of their ids always fold to the flags. An opt-out is
never cleared implicitly: only `opt_in` clears a flag.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences.channels import ANY_FLAG, Scope
from audiences.consent.history import (
    Kind,
    Origin,
    Source,
    bulk_record,
    by_operator,
    record,
    record_staged,
    said_again,
)
from audiences.consent.locks import lock, stage, staged, unstage
from audiences.models import Profile
from audiences.refusals import Refused
from audiences.suppression.restriction import RESTRICTED, in_force, is_restricted

# One who acts for another must say why that person may be contacted again.
NOTE_NEEDED = (Source.OPERATOR, Source.COMMAND, Source.IMPORT)


class ConsentError(Refused):
    """The change is not allowed; the message says what is missing."""


@dataclass(frozen=True)
class Recorded:
    """Whether a change was needed, a warning, and the event if there is one.

    `is_pending`: a subscription waits for the person to confirm it. `is_unsent`: no
    message could ask for that now, because of the caps.
    """

    changed: bool
    warning: str = ""
    event_id: int | None = None
    is_pending: bool = False
    is_unsent: bool = False


def opt_out(profile: Profile, scope: str, origin: Origin) -> Recorded:
    """Set the flag of a channel or of "any" for all addresses of the profile (P2, P3).

    Opting out twice changes nothing and records nothing, unless an operator did it
    first: what an operator did can be undone, what somebody else says cannot.
    """
    return _set_flag(profile, Scope(scope), opted_out=True, origin=origin)


def opt_in(profile: Profile, scope: str, origin: Origin) -> Recorded:
    """Clear the flag of a channel or of "any"; the other flags stay as they are (P2).

    Raises ConsentError when an operator, a command or an import gives no note, and when
    the person's data is restricted. Warns
    when the profile still cannot be contacted because "any" is set.
    """
    _require_note(origin)
    if is_restricted(profile.pk):
        raise ConsentError(str(RESTRICTED))
    return _set_flag(profile, Scope(scope), opted_out=False, origin=origin)


def opt_out_all(profiles: QuerySet[Profile], scope: str, origin: Origin) -> int:
    """`opt_out` for a queryset, set-based; returns how many profiles changed."""
    return _set_flags(profiles, Scope(scope), opted_out=True, origin=origin)


def opt_in_all(profiles: QuerySet[Profile], scope: str, origin: Origin) -> int:
    """`opt_in` for a queryset, set-based; returns how many profiles changed.

    Those whose data is restricted are left out.
    """
    _require_note(origin)
    return _set_flags(profiles, Scope(scope), opted_out=False, origin=origin)


def record_made(made: Iterable[tuple[int, Scope]], origin: Origin) -> None:
    """Record whom this transaction has made with flags that are set.

    Nobody else has seen these people: to make them without and then change each costs a
    second version of the row.
    """
    at, kind = origin.at or timezone.now(), str(Kind.OPT_OUT)
    bulk_record([(pk, at, kind, str(scope), None, origin) for pk, scope in made])


def lacks_note(origin: Origin) -> bool:
    """Whether someone acts for another person without saying why."""
    return origin.source in NOTE_NEEDED and not origin.has_note


def _require_note(origin: Origin) -> None:
    if lacks_note(origin):
        raise ConsentError(
            _("An opt-in needs a note that says how the person asked for it.")
        )


def _set_flag(
    profile: Profile, scope: Scope, *, opted_out: bool, origin: Origin
) -> Recorded:
    with transaction.atomic():
        locked = lock(profile, scope.flag, ANY_FLAG)
        result = change_flag(locked, scope, opted_out=opted_out, origin=origin)
    setattr(profile, scope.flag, opted_out)
    return result


def change_flag(
    locked: Profile, scope: str, *, opted_out: bool, origin: Origin
) -> Recorded:
    """`opt_out` or `opt_in` for a profile that the caller has locked and then read.

    For callers that read more under the same lock or make several changes.
    """
    scope = Scope(scope)
    event = None
    if not opted_out and is_restricted(locked.pk):
        return Recorded(False, str(RESTRICTED))
    if getattr(locked, scope.flag) != opted_out:
        Profile.objects.filter(pk=locked.pk).update(**{scope.flag: opted_out})
        event = record(locked, _kind(opted_out), origin, scope=scope)
        setattr(locked, scope.flag, opted_out)
    elif opted_out:
        said_again(locked, Kind.OPT_OUT, origin, scope=scope)
    warning = "" if opted_out else warning_of(scope, locked.no_longer_contact)
    return Recorded(bool(event), warning, event.pk if event else None)


def warning_of(scope: Scope, still_out: bool) -> str:
    """What an opt-in does not reach: the flag for any channel is apart."""
    if scope != Scope.ANY and still_out:
        return _("The profile is still opted out of any channel.")
    return ""


def _set_flags(
    profiles: QuerySet[Profile], scope: Scope, *, opted_out: bool, origin: Origin
) -> int:
    with transaction.atomic():
        if opted_out and origin.source != Source.OPERATOR:
            return _opt_out_or_say_again(profiles, scope, origin)
        count = stage(profiles, **{scope.flag: not opted_out})
        if count and not opted_out:
            count = unstage(in_force().values("profile_id"))
        if count:
            staged().update(**{scope.flag: opted_out})
            record_staged(_kind(opted_out), origin, scope=scope)
        return count


def _opt_out_or_say_again(
    profiles: QuerySet[Profile], scope: Scope, origin: Origin
) -> int:
    """Also those are locked who are out already: an undo may be under way.

    Of these only whom an operator opted out is on record a second time.
    """
    stage(profiles)
    out = staged().filter(**{scope.flag: True})
    stays = out.exclude(by_operator(Kind.OPT_OUT, scope=scope))
    if not unstage(stays.values("pk")):
        return 0
    changed = staged().filter(**{scope.flag: False}).update(**{scope.flag: True})
    record_staged(Kind.OPT_OUT, origin, scope=scope)
    return changed


def _kind(opted_out: bool) -> Kind:
    return Kind.OPT_OUT if opted_out else Kind.OPT_IN
