"""Many different acts at once, each with its own origin: set-based, one history.

For programs that hand in a thousand acts of a thousand people. The acts of one person
are played in their order on the flags that were read under the lock; what changed is
written with a fixed number of statements.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from audiences.channels import FLAGS, Scope
from audiences.consent.flags import Recorded, warning_of
from audiences.consent.history import Kind, Origin, bulk_record
from audiences.models import Profile
from audiences.sql.many import among
from audiences.suppression.restriction import RESTRICTED, restricted_among

PROOF_NEEDED = (
    "An opt-in needs a note that says how the person asked for it, or the wording "
    "that the person agreed to."
)


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody opts out of a scope, or in."""

    profile_id: int
    scope: str
    opted_out: bool
    origin: Origin


def apply(acts: Sequence[Act]) -> list[Recorded | str]:
    """What became of each act: what was recorded, or a sentence why nothing was.

    An opt-in without proof is refused, and so is one of somebody whose
    data is restricted; the other acts go on. Somebody who is gone is told so.
    """
    with transaction.atomic():
        ids = sorted({act.profile_id for act in acts})
        rows = Profile.objects.select_for_update(of=("self",)).order_by("pk")
        flags = {
            pk: dict(zip(FLAGS, values, strict=True))
            for pk, *values in rows.filter(among("id", ids)).values_list(
                "pk", *FLAGS.values()
            )
        }
        ins = [act.profile_id for act in acts if not act.opted_out]
        held = restricted_among(ins) if ins else set()
        results: list[Recorded | str] = []
        changed: list[tuple[int, Act]] = []
        for act in acts:
            found = _judged(act, flags.get(act.profile_id), act.profile_id in held)
            if isinstance(found, Recorded) and found.changed:
                changed.append((len(results), act))
            results.append(found)
        for place, event in zip(
            [place for place, _act in changed], _write(changed), strict=True
        ):
            result = results[place]
            warning = result.warning if isinstance(result, Recorded) else ""
            results[place] = Recorded(True, warning, event)
    return results


def _judged(
    act: Act, flags: "dict[Scope, bool] | None", restricted: bool
) -> Recorded | str:
    if flags is None:
        return "The profile is gone."
    if not act.opted_out:
        if not act.origin.has_proof:
            return PROOF_NEEDED
        if restricted:
            return str(RESTRICTED)
    scope = Scope(act.scope)
    is_new = flags[scope] != act.opted_out
    flags[scope] = act.opted_out
    warning = "" if act.opted_out else warning_of(scope, flags[Scope.ANY])
    return Recorded(is_new, warning)


def _write(changed: "list[tuple[int, Act]]") -> list[int]:
    """Write flags and events; returns the ids of the events, in this order."""
    last: dict[tuple[int, str], bool] = {}
    for _place, act in changed:
        last[act.profile_id, act.scope] = act.opted_out
    for scope, flag in FLAGS.items():
        for value in (True, False):
            ids = [pk for (pk, of), out in last.items() if of == scope and out is value]
            if ids:
                Profile.objects.filter(among("id", ids)).update(**{flag: value})
    now = timezone.now()
    return bulk_record(
        [
            (
                act.profile_id,
                act.origin.at or now,
                str(Kind.OPT_OUT if act.opted_out else Kind.OPT_IN),
                act.scope,
                None,
                act.origin,
            )
            for _place, act in changed
        ]
    )
