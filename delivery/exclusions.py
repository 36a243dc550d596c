"""The rules that exclude a profile from a delivery, in their order (D3).

A rule is one small object: a stable code, a label for the log, the purposes that skip
it, and a predicate over profiles. The same object serves the analysis, the dry run, the
explanation of one profile and the table in the documentation. The first rule that
matches decides; which others match can be asked.

A predicate is a Q on a queryset of profiles to which `delivery.judgement` has given the
names `main_address` (the primary address on the delivery's channel, or nothing) and
`subscription` (the active subscription to the delivery's service, or nothing).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audiences.channels import ANY_FLAG, flag_name
from audiences.models import AddressStatus

from .models import Delivery, TypologyRule

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Purpose = Delivery.Purpose


@dataclass(frozen=True)
class Situation:
    """What the rules need to know about a delivery.

    `at` is the moment for which subscriptions are judged. `losers` yields the ids of
    profiles whose address another profile keeps; None where duplicates are not judged.
    """

    channel: str
    purpose: str
    service_id: int | None
    at: datetime
    losers: QuerySet[Any, Any] | None = None


@dataclass(frozen=True)
class Rule:
    """One reason to exclude a profile; `matches` gives None where it cannot apply."""

    code: str
    label: "str | StrPromise"
    matches: Callable[[Situation], Q | None]
    skipped_by: frozenset[str] = frozenset()

    def predicate(self, situation: Situation) -> Q | None:
        """When the rule excludes; None when it does not judge this delivery at all."""
        if situation.purpose in self.skipped_by:
            return None
        return self.matches(situation)


NOBODY_ASKED = frozenset({Purpose.TRANSACTIONAL, Purpose.LEGAL})


def _status(status: AddressStatus) -> Callable[[Situation], Q | None]:
    return lambda situation: Q(main_address__quarantine_status=status)


def _not_subscribed(situation: Situation) -> Q | None:
    return Q(subscription__isnull=True) if situation.service_id else None


def _loses_address(situation: Situation) -> Q | None:
    return None if situation.losers is None else Q(pk__in=situation.losers)


NATIVE_RULES: tuple[Rule, ...] = (
    Rule(
        "address_missing",
        _("Address missing"),
        lambda situation: Q(main_address__isnull=True),
    ),
    Rule(
        "address_invalid",
        _("Invalid address"),
        lambda situation: Q(main_address__is_valid=False),
    ),
    Rule(
        "denylist_any_channel",
        _("Profile on denylist: any channel"),
        lambda situation: Q(**{ANY_FLAG: True}),
        skipped_by=NOBODY_ASKED,
    ),
    Rule(
        "denylist_channel",
        _("Profile on denylist: this channel"),
        lambda situation: Q(**{flag_name(situation.channel): True}),
        skipped_by=NOBODY_ASKED,
    ),
    Rule(
        "address_denylisted",
        _("Address on denylist"),
        _status(AddressStatus.DENYLISTED),
    ),
    Rule(
        "address_quarantined",
        _("Address quarantined"),
        _status(AddressStatus.QUARANTINE),
    ),
    Rule("not_subscribed", _("Not subscribed"), _not_subscribed),
    Rule(
        "duplicate_address",
        _("Duplicate address"),
        _loses_address,
        # Each person must get a receipt or a legal notice, also at a shared address.
        skipped_by=NOBODY_ASKED,
    ),
)
DUPLICATE = NATIVE_RULES[-1]

# Where operators' rules stand: after the native ones and before duplicates.
POSITIONS: Mapping[str, int] = {
    rule.code: 100 * (number + 1) for number, rule in enumerate(NATIVE_RULES[:-1])
} | {DUPLICATE.code: 1000}


def rule_ids() -> dict[str, int]:
    """The number by which an outcome names each rule."""
    return dict(TypologyRule.objects.values_list("code", "id"))


def keep_rules_in_step(**kwargs: Any) -> None:
    """Listener of `post_migrate`: a row for each native rule, under its code."""
    for rule in NATIVE_RULES:
        TypologyRule.objects.update_or_create(
            code=rule.code,
            defaults={
                "label": str(rule.label),
                "kind": TypologyRule.Kind.NATIVE,
                "position": POSITIONS[rule.code],
            },
        )
