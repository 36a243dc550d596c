"""Why does this person not get it? The rules, asked about one profile (D8)."""

from dataclasses import dataclass, replace

from django.db.models import BooleanField, Case, When

from audiences.conditions import Span
from audiences.models import Profile
from delivery.models import Delivery
from delivery.rules import DUPLICATE, Rule, Situation, judgement, rules_of, situation_of


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
    situation = situation_of(delivery)
    rules = rules_of(delivery)
    primary = profile.addresses.filter(
        channel=delivery.channel, is_primary=True
    ).first()
    holders = judgement.shared_holders(
        delivery.channel, key=primary.key if primary else ""
    )
    ids = sorted({profile.pk, *holders.values_list("profile_id", flat=True)})
    situation = replace(situation, span=Span(ids[0], ids[-1], ids))
    matches = _matches(delivery, rules, situation)
    contenders = [pk for pk in ids if matches.get(pk) == []]
    if profile.pk in contenders and len(contenders) > 1:
        losers = judgement.losers(holders, contenders).values_list("profile_id")
        situation = replace(situation, losers=losers)
        if DUPLICATE.predicate(situation) is not None and (profile.pk,) in losers:
            matches[profile.pk].append(DUPLICATE)
    matching = matches.get(profile.pk, [])
    return Explanation(
        profile=profile,
        address=primary.value if primary else None,
        in_audience=profile.pk in matches,
        deciding=matching[0] if matching else None,
        matching=matching,
    )


def _matches(
    delivery: Delivery, rules: list[Rule], situation: Situation
) -> dict[int, list[Rule]]:
    """The rules that match each profile within the span that is in the audience."""
    judging = [
        (rule, predicate)
        for rule in rules
        if (predicate := rule.predicate(situation)) is not None
    ]
    columns = {
        f"rule_{number}": Case(
            When(predicate, then=True), default=False, output_field=BooleanField()
        )
        for number, (_rule, predicate) in enumerate(judging)
    }
    profiles = judgement.audience_profiles(delivery, situation.at, situation.span)
    judged = judgement.prepared(profiles, situation).annotate(**columns)
    return {
        pk: [rule for (rule, _q), is_met in zip(judging, met, strict=True) if is_met]
        for pk, *met in judged.values_list("pk", *columns)
    }
