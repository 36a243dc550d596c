"""Why does this person not get it? The rules, asked about one profile (D8)."""

from dataclasses import dataclass

from django.db.models import BooleanField, ExpressionWrapper

from audiences.conditions import Span
from audiences.models import Address, Profile
from delivery.models import Delivery
from delivery.rules import DUPLICATE, Judge, Rule, judge_of


@dataclass(frozen=True)
class Explanation:
    """Why a profile would not get a delivery now: the first rule, and all."""

    profile: Profile
    address: str | None
    in_audience: bool
    deciding: Rule | None
    matching: list[Rule]


def explain(delivery: Delivery, profile: Profile) -> Explanation:
    """Let the rules judge one profile as it is at this moment.

    A profile outside the audience is judged by no rule. Everybody who has the same
    primary address is judged with it, to know who of them keeps the address.
    """
    judge = judge_of(delivery)
    primaries = Address.objects.order_by().filter(
        channel=delivery.channel, is_primary=True
    )
    own = primaries.filter(profile=profile)
    shared = primaries.filter(is_valid=True, key__in=own.values("key"))
    rows = own.union(shared).values_list("profile_id", "value", "is_valid")
    held = {pk: (value, is_valid) for pk, value, is_valid in rows}
    address, is_valid = held.get(profile.pk, (None, False))
    ids = sorted({profile.pk, *(held if is_valid else ())})
    judge = judge.given(span=Span(ids[0], ids[-1], ids))
    matches = _matches(judge)
    contenders = [pk for pk in ids if matches.get(pk) == []]
    if profile.pk in contenders[1:]:  # the lowest id keeps the address
        situation = judge.given(losers=own.values("profile_id")).situation
        if DUPLICATE.predicate(situation) is not None:
            matches[profile.pk].append(DUPLICATE)
    matching = matches.get(profile.pk, [])
    return Explanation(
        profile=profile,
        address=address,
        in_audience=profile.pk in matches,
        deciding=matching[0] if matching else None,
        matching=matching,
    )


def _matches(judge: Judge) -> dict[int, list[Rule]]:
    """The rules that match each profile within the span that is in the audience."""
    judging = judge.predicates()
    columns = {
        f"rule_{number}": ExpressionWrapper(predicate, BooleanField(null=True))
        for number, (_rule, predicate) in enumerate(judging)
    }
    judged = judge.named(judge.audience()).annotate(**columns)
    return {
        pk: [rule for (rule, _q), is_met in zip(judging, met, strict=True) if is_met]
        for pk, *met in judged.values_list("pk", *columns)
    }
