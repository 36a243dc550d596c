"""What people have set as their own limit: "once a month at most".

Counted as fatigue is (decision 0020): so many calendar days in a row, with the messages
of the channel that the limit is about, or of all.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop as _

from audiences import wishes
from audiences.channels import ANY
from delivery.rules.fatigue import fatigued
from delivery.rules.rule import NOBODY_ASKED, OwnRule, Rule, Situation, register


def _over(situation: Situation) -> Q | None:
    """Those who would get more than they have asked for.

    None where nobody has a limit: the windows cost some statements. The last check is
    made once for many looks, and somebody may set one meanwhile.
    """
    scopes: tuple[str, ...] = (situation.channel, ANY)
    if not situation.asks_entries:
        set_ = wishes.limits_of(scopes).values_list("channel", flat=True).distinct()
        there = set(set_)
        scopes = tuple(scope for scope in scopes if scope in there)
    if not scopes:
        return None
    found = Q(pk__in=[])
    for scope in scopes:
        found |= fatigued(_as_rule(scope), situation, limits=wishes.limits_of([scope]))
    return found


def _as_rule(scope: str) -> OwnRule:
    return {
        "code": "own_limit",
        "label": "",
        "kind": "fatigue",
        "condition": None,
        "maximum": 1,
        "uses_profile_limit": False,
        "period_days": wishes.MONTH.days,
        "channel": "" if scope == ANY else scope,
    }


def limited(situation: Situation) -> QuerySet[Any]:
    """The limits that can exclude somebody of the span."""
    return situation.moment.within(wishes.limits_of((situation.channel, ANY)))


OWN_LIMIT = register(
    Rule(
        "own_limit",
        _("The person's own limit"),
        _over,
        skipped_by=NOBODY_ASKED,
        about="has got as many messages within 30 days as they have asked for at most",
        is_indexed=True,
    )
)


def looks_at_fatigue(rules: Iterable[Rule]) -> bool:
    """Whether messages and other deliveries can change what these rules say."""
    codes = {rule.code for rule in rules}
    if any(code.startswith("fatigue:") for code in codes):
        return True
    return OWN_LIMIT.code in codes and wishes.limits_of().exists()
