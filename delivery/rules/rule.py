"""What a rule is, and what it knows of a delivery.

A rule is one small object: a stable code, a label for the log, the purposes that skip
it, and a predicate over profiles. The same object serves the analysis, the dry run, the
forecast, the explanation of one profile and the table in the documentation. The first
rule that matches decides; which others match can be asked.

A predicate is a Q on a queryset of profiles to which `judgement` has given the names
`main_address` (the primary address on the delivery's channel, or nothing) and
`subscription` (the active subscription to the delivery's service, or nothing).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, cast

from django.db.models import Q, QuerySet
from django_stubs_ext import StrPromise

from audiences.conditions import Moment, Span, Tree
from delivery.models import TypologyRule


@dataclass(frozen=True)
class Situation:
    """What the rules need to know about a delivery.

    `at` is the moment it is judged for: the contact date, or now. `span` says which
    profiles are judged. `losers` yields the ids of profiles whose address another
    profile keeps; None where duplicates are not judged.
    `reads_entries`: the quarantine itself is asked, not the copy beside the address.
    """

    channel: str
    purpose: str
    service_id: int | None
    at: datetime
    delivery_id: int | None = None
    span: Span | None = None
    losers: QuerySet[Any, Any] | None = None
    reads_entries: bool = False

    @property
    def moment(self) -> Moment:
        """What conditions are judged for."""
        return Moment(self.at, span=self.span)


@dataclass(frozen=True)
class Rule:
    """One reason to exclude a profile; `matches` gives None where it cannot apply.

    `label` is English: files and commands have it so, and the console translates it.
    `about` says in one sentence whom it excludes, for the documentation.
    """

    code: str
    label: "str | StrPromise"
    matches: Callable[[Situation], Q | None]
    skipped_by: frozenset[str] = frozenset()
    about: str = ""

    def predicate(self, situation: Situation) -> Q | None:
        """When the rule excludes; None when it does not judge this delivery at all."""
        if situation.purpose in self.skipped_by:
            return None
        return self.matches(situation)


class OwnRule(TypedDict):
    """What of an operator's rule decides; a run keeps these, and judges by them."""

    code: str
    label: str
    kind: str
    condition: Tree | None
    maximum: int | None
    uses_profile_limit: bool
    period_days: int | None
    channel: str


def own_rule(row: TypologyRule) -> OwnRule:
    """What decides of an operator's rule, saved or not."""
    facts = {name: getattr(row, name) for name in OwnRule.__annotations__}
    return cast("OwnRule", facts)
