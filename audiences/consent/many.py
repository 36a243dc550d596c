"""Many different acts at once, each with its own origin: set-based, one history.

For programs that hand in a thousand acts of a thousand people. The acts of one person
are played in their order on the flags that were read under the lock; what changed is
written with a fixed number of statements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from audiences.channels import FLAGS, Scope
from audiences.consent.flags import Recorded, warning_of
from audiences.consent.history import Kind, Origin, Row, bulk_record, bulk_said_again
from audiences.models import Profile
from audiences.refusals import Refused
from audiences.sql.many import among
from audiences.suppression.restriction import RESTRICTED, Restricted, restricted_among


class ProofNeeded(Refused):
    """Nothing says how the person asked, or what they agreed to."""

    def __init__(self) -> None:
        super().__init__(
            "An opt-in needs a note that says how the person asked for it, or the "
            "wording that the person agreed to."
        )


class Gone(Refused):
    """The person was erased while the act was on its way."""

    def __init__(self) -> None:
        super().__init__("The profile is gone.")


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody opts out of a scope, or in."""

    profile_id: int
    scope: str
    opted_out: bool
    origin: Origin


def apply(acts: Sequence[Act]) -> list[Recorded | Refused]:
    """What became of each act: what was recorded, or why nothing was.

    An opt-in without proof is refused, and so is one of somebody whose
    data is restricted; the other acts go on. Somebody who is gone is told so. An
    opt-out of somebody whom an operator opted out is on record too (`said_again`).
    """
    with transaction.atomic():
        ids = sorted({act.profile_id for act in acts})
        rows = Profile.objects.select_for_update(of=("self",)).order_by("pk")
        flags: dict[int, dict[str, bool]] = {
            pk: dict(zip(FLAGS, values, strict=True))
            for pk, *values in rows.filter(among("id", ids)).values_list(
                "pk", *FLAGS.values()
            )
        }
        ins = [act.profile_id for act in acts if not act.opted_out]
        held = restricted_among(ins) if ins else set()
        results: list[Recorded | Refused] = []
        changed: list[tuple[int, Act]] = []
        # Flags that an act has changed; and what was so already, and is said again.
        new: set[tuple[int, str]] = set()
        again: list[Act] = []
        for act in acts:
            found = _judged(act, flags.get(act.profile_id), act.profile_id in held)
            if isinstance(found, Recorded) and found.changed:
                new.add((act.profile_id, act.scope))
                changed.append((len(results), act))
            elif found is _SAME and (act.profile_id, act.scope) not in new:
                again.append(act)
            results.append(found)
        now = timezone.now()
        bulk_said_again(_row(act, now) for act in again)
        for place, event in zip(
            [place for place, _act in changed], _write(changed, now), strict=True
        ):
            result = results[place]
            warning = result.warning if isinstance(result, Recorded) else ""
            results[place] = Recorded(True, warning, event)
    return results


def _judged(
    act: Act, flags: "dict[str, bool] | None", restricted: bool
) -> Recorded | Refused:
    if flags is None:
        return Gone()
    if not act.opted_out:
        if not act.origin.has_proof:
            return ProofNeeded()
        if restricted:
            return Restricted(RESTRICTED)
    is_new = flags[act.scope] != act.opted_out
    flags[act.scope] = act.opted_out
    if act.opted_out:
        return _NEW if is_new else _SAME
    return Recorded(is_new, warning_of(Scope(act.scope), flags[Scope.ANY]))


_NEW, _SAME = Recorded(True), Recorded(False)


def _write(changed: "list[tuple[int, Act]]", now: datetime) -> list[int]:
    """Write flags and events; returns the ids of the events, in this order."""
    last = {(act.profile_id, act.scope): act.opted_out for _place, act in changed}
    together: dict[tuple[str, bool], list[int]] = {}
    for (pk, scope), out in last.items():
        together.setdefault((scope, out), []).append(pk)
    for (scope, out), ids in sorted(together.items()):
        flag = FLAGS[Scope(scope)]
        Profile.objects.filter(among("id", ids)).update(**{flag: out})
    return bulk_record([_row(act, now) for _place, act in changed])


def _row(act: Act, now: datetime) -> Row:
    kind = str(Kind.OPT_OUT if act.opted_out else Kind.OPT_IN)
    return act.profile_id, act.origin.at or now, kind, act.scope, None, act.origin
