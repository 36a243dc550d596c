"""What a rule is, and the rules of the code in their order (D3, D6).

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
from datetime import datetime, timedelta
from typing import Any, TypedDict, cast

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop as _
from django_stubs_ext import StrPromise

from audiences.channels import ANY_FLAG, flag_name
from audiences.conditions import Moment, Span, Tree
from audiences.models import AddressStatus
from audiences.registry import Registry
from audiences.suppression.restriction import in_force
from audiences.wishes import paused
from delivery.models import Delivery, TypologyRule

# The names that predicates use besides the fields of profiles.
MAIN_ADDRESS, SUBSCRIPTION = "main_address", "subscription"
# For so long after it was prepared, or after its contact date, a delivery may go out.
GOOD_FOR = timedelta(days=1)


@dataclass(frozen=True)
class Situation:
    """What the rules need to know about a delivery.

    `at` is the moment it is judged for: the contact date, or now. `span` says which
    profiles are judged. `losers` yields the ids of profiles whose address another
    profile keeps; None where duplicates are not judged.
    `asks_entries`: the copy of an address's status is not believed; whoever judges asks
    the quarantine itself, apart.
    """

    channel: str
    purpose: str
    service_id: int | None
    at: datetime
    delivery_id: int | None = None
    span: Span | None = None
    losers: QuerySet[Any, Any] | None = None
    asks_entries: bool = False

    @property
    def moment(self) -> Moment:
        """What conditions are judged for."""
        return Moment(self.at, span=self.span)


@dataclass(frozen=True)
class Rule:
    """One reason to exclude a profile; `matches` gives None where it cannot apply.

    `label` is English: files and commands have it so, and the console translates it.
    `about` says in one sentence whom it excludes, for the documentation. `even_skipped`
    says whom it excludes even for a purpose that skips it. `is_indexed`: an index finds
    those whom it excludes among some people, so nobody else need be looked at.
    """

    code: str
    label: "str | StrPromise"
    matches: Callable[[Situation], Q | None]
    skipped_by: frozenset[str] = frozenset()
    about: str = ""
    even_skipped: Callable[[Situation], Q | None] = lambda situation: None
    is_indexed: bool = False

    def predicate(self, situation: Situation) -> Q | None:
        """When the rule excludes; None when it does not judge this delivery at all."""
        if situation.purpose in self.skipped_by:
            return self.even_skipped(situation)
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


Purpose = Delivery.Purpose

# Who gets a receipt or a legal notice has not asked for it, and must get it.
NOBODY_ASKED = frozenset({Purpose.TRANSACTIONAL, Purpose.LEGAL})


def _status(status: AddressStatus) -> Callable[[Situation], Q | None]:
    def predicate(situation: Situation) -> Q | None:
        if situation.asks_entries:
            return None
        return Q(main_address__quarantine_status=status)

    return predicate


def _not_subscribed(situation: Situation) -> Q | None:
    return Q(subscription__isnull=True) if situation.service_id else None


def _loses_address(situation: Situation) -> Q | None:
    return None if situation.losers is None else Q(pk__in=situation.losers)


def _paused(situation: Situation) -> Q | None:
    rows = paused(situation.channel, situation.at)
    return Q(pk__in=situation.moment.within(rows).values("profile_id"))


def _restricted(situation: Situation) -> Q | None:
    """Whose data is restricted gets what the law demands, and nothing else."""
    if situation.purpose == Purpose.LEGAL:
        return None
    return Q(pk__in=situation.moment.within(in_force()).values("profile_id"))


SUPPRESSED = Rule(
    "suppressed",
    _("Suppressed address"),
    lambda situation: Q(main_address__is_suppressed=True),
    # Its person asked for it to be forgotten: only the law can still reach it.
    skipped_by=frozenset({Purpose.LEGAL}),
    about="has an address that is suppressed, as after an erasure",
)
NATIVE_RULES = (
    Rule(
        "address_missing",
        _("Address missing"),
        lambda situation: Q(main_address__isnull=True),
        about="has no primary address on the channel",
    ),
    Rule(
        "address_invalid",
        _("Invalid address"),
        lambda situation: Q(main_address__is_valid=False),
        about="has a primary address that cannot be delivered to",
    ),
    SUPPRESSED,
    Rule(
        "denylist_any_channel",
        _("Profile on denylist: any channel"),
        lambda situation: Q(**{ANY_FLAG: True}),
        skipped_by=NOBODY_ASKED,
        about="is opted out of any channel",
        is_indexed=True,
        # Purposes that skip it reach nobody whose data is restricted, `legal` does.
        even_skipped=_restricted,
    ),
    Rule(
        "denylist_channel",
        _("Profile on denylist: this channel"),
        lambda situation: Q(**{flag_name(situation.channel): True}),
        skipped_by=NOBODY_ASKED,
        about="is opted out of the delivery's channel",
        is_indexed=True,
    ),
    Rule(
        "paused",
        _("The person asked for a pause"),
        _paused,
        skipped_by=NOBODY_ASKED,
        about="has asked for a pause that lasts at that moment",
        is_indexed=True,
    ),
    Rule(
        "address_denylisted",
        _("Address on denylist"),
        _status(AddressStatus.DENYLISTED),
        about="has an address that complained or said STOP, or was denylisted by hand",
    ),
    Rule(
        "address_quarantined",
        _("Address quarantined"),
        _status(AddressStatus.QUARANTINE),
        about="has an address in quarantine",
    ),
    Rule(
        "not_subscribed",
        _("Not subscribed"),
        _not_subscribed,
        about="has no active subscription to the delivery's service",
    ),
)
DUPLICATE = Rule(
    "duplicate_address",
    _("Duplicate address"),
    _loses_address,
    # Each person must get a receipt or a legal notice, also at a shared address.
    skipped_by=NOBODY_ASKED,
    about="shares its address with a profile of a lower id that gets the delivery",
)
# The rules about the status of an address.
STATUS_RULES = {
    AddressStatus.DENYLISTED: "address_denylisted",
    AddressStatus.QUARANTINE: "address_quarantined",
}
DENYLIST = ("denylist_any_channel", "denylist_channel")


# Of the rules of the code, those that judge after operators' filters.
LAST = ("own_limit", DUPLICATE.code)

RULES: Registry[str, Rule] = Registry("rule")


def register(rule: Rule) -> Rule:
    """Add a rule of another app; it judges after the native ones, before duplicates.

    Call it in the app's `ready()`. After the next `migrate` outcomes can name it.
    """
    return RULES.add(rule.code, rule)


for _rule in (*NATIVE_RULES, DUPLICATE):
    register(_rule)


def registered_rules() -> list[Rule]:
    """The rules of the code, in order.

    Operators' rules that filter come before a person's own limit, fatigue after it.
    """
    return sorted(RULES.values(), key=_place)


def _place(rule: Rule) -> int:
    return LAST.index(rule.code) + 1 if rule.code in LAST else 0


def skips_denylist(purpose: str) -> bool:
    """Whether a delivery of this purpose reaches opted-out people (D6)."""
    return any(
        purpose in rule.skipped_by for rule in RULES.values() if rule.code in DENYLIST
    )
