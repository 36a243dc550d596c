"""Typologies and operators' rules: their only writer."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction
from django.utils.translation import gettext, gettext as _, gettext_noop

from audiences import conditions
from audiences.conditions.keepers import keepers
from audiences.refusals import Refused
from delivery.models import Typology, TypologyRule, TypologyRuleUse
from delivery.models.typologies import label_of_limit
from delivery.rules import controls
from delivery.rules.rule import registered_rules

Kind = TypologyRule.Kind
DEFAULT = "default"
PREFIXES = ("filter", "fatigue", "control")


def default_typology() -> Typology:
    """The typology of deliveries that name none; made if somebody deleted it."""
    found = Typology.objects.filter(is_default=True).first()
    if found is None:
        found, is_new = Typology.objects.update_or_create(
            slug=DEFAULT,
            defaults={"is_default": True},
            create_defaults={"label": gettext_noop("Default"), "is_default": True},
        )
        if is_new:
            codes = [
                f"control:{check.code}"
                for check in controls.CHECKS.values()
                if check.by_default
            ]
            set_rules(found, list(TypologyRule.objects.filter(code__in=codes)))
    return found


def _kept() -> Iterator[tuple[str, conditions.Tree]]:
    """The rules that have a condition, for those who ask what one speaks of."""
    for rule in TypologyRule.objects.filter(condition__isnull=False).order_by("id"):
        tree: Any = rule.condition
        yield gettext("the rule “{name}”").format(name=rule.label), tree


keepers.add("rules", _kept)


def create_filtering_rule(
    slug: str, *, condition: Any, label: str = ""
) -> TypologyRule:
    """A rule that excludes profiles that meet a condition; raises BadCondition."""
    conditions.validate(condition)
    return _create(
        TypologyRule(
            code=f"filter:{_slug(slug)}",
            label=label or conditions.sentence(condition)[:150],
            kind=Kind.FILTERING,
            condition=condition,
        )
    )


def create_fatigue_rule(
    slug: str,
    *,
    maximum: int,
    period_days: int,
    channel: str = "",
    uses_profile_limit: bool = False,
    label: str = "",
) -> TypologyRule:
    """A rule that allows at most `maximum` messages in a sliding period of days.

    Raises Refused for 0: it does not mean unlimited (leave the rule out for that).
    """
    if maximum < 1 or period_days < 1:
        raise Refused(
            "A fatigue rule needs a maximum and a period of 1 or more. 0 does not mean "
            "unlimited: leave the rule out of the typology for that."
        )
    if maximum > 1000 or period_days > 3650:
        raise Refused("The most is 1,000 messages, and 3,650 days.")
    return _create(
        TypologyRule(
            code=f"fatigue:{_slug(slug)}",
            label=label or label_of_limit(maximum, period_days, channel),
            kind=Kind.FATIGUE,
            maximum=maximum,
            period_days=period_days,
            channel=channel,
            uses_profile_limit=uses_profile_limit,
        )
    )


def create_control_rule(
    slug: str, *, check: str, severity: str, label: str = ""
) -> TypologyRule:
    """A rule that checks the message; raises Refused for an unknown check."""
    if check not in controls.CHECKS:
        known = ", ".join(controls.CHECKS)
        raise Refused(f"There is no check {check!r}. There are: {known}.")
    _refuse_too_mild(check, severity)
    return _create(
        TypologyRule(
            code=f"control:{_slug(slug)}",
            label=label or str(controls.CHECKS[check].label),
            kind=Kind.CONTROL,
            check_code=check,
            severity=severity,
        )
    )


def _refuse_too_mild(check: str, severity: str) -> None:
    if controls.is_too_mild(check, severity):
        text = _("“{check}” is always an error: the law or a promise needs it.")
        raise Refused(text.format(check=gettext(str(controls.CHECKS[check].label))))


def _slug(slug: str) -> str:
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise Refused(
            f"{slug!r} is not a slug: use letters, figures, hyphens and underscores."
        ) from error
    return slug


def _create(row: TypologyRule) -> TypologyRule:
    if TypologyRule.objects.filter(code=row.code).exists():
        raise Refused(f"There is already a rule {row.code!r}; choose another slug.")
    row.full_clean()
    row.save()
    return row


def create_typology(
    slug: str, *, rules: Sequence[str], label: str = "", is_default: bool = False
) -> Typology:
    """A typology with rules in this order, by code (filter:…) or by slug alone.

    Raises Refused when the slug is taken or a rule is not known, or ValidationError.
    """
    if Typology.objects.filter(slug=_slug(slug)).exists():
        raise Refused(f"There is already a typology {slug!r}; choose another slug.")
    typology = Typology(slug=slug)
    rows = [_find_rule(name) for name in rules]
    _write(typology, rows, label=label or slug, is_default=is_default)
    return typology


def set_rules(typology: Typology, rows: Sequence[TypologyRule]) -> None:
    """Give a typology exactly these rules, in this order."""
    with transaction.atomic():
        typology.uses.all().delete()
        TypologyRuleUse.objects.bulk_create(
            TypologyRuleUse(typology=typology, rule=row, position=position)
            for position, row in enumerate(dict.fromkeys(rows), 1)
        )


def change_typology(
    typology: Typology,
    rows: Sequence[TypologyRule],
    *,
    label: str,
    is_default: bool,
) -> None:
    """Give a typology another label and other rules, or make it the default one.

    Raises Refused where that would leave no default.
    """
    if typology.is_default and not is_default:
        raise Refused(_("There must be a default: make another typology the default."))
    _write(typology, rows, label=label, is_default=is_default)


def _write(
    typology: Typology, rows: Sequence[TypologyRule], *, label: str, is_default: bool
) -> None:
    """There is one default: it takes the place of the former one."""
    with transaction.atomic():
        if is_default:
            others = Typology.objects.filter(is_default=True).exclude(pk=typology.pk)
            others.update(is_default=False)
        typology.label, typology.is_default = label, is_default
        typology.full_clean()
        typology.save()
        set_rules(typology, rows)


# What of a rule may change; its code and kind are named by outcomes.
_CHANGEABLE: dict[str, tuple[str, ...]] = {
    Kind.FILTERING: ("condition",),
    Kind.FATIGUE: ("maximum", "period_days", "uses_profile_limit", "channel"),
    Kind.CONTROL: ("severity", "inactive_note"),
}


def change_rule(row: TypologyRule, **values: Any) -> None:
    """Change an operator's rule: its label, whether it is active, and what it says.

    What was prepared with it says from then on that it is out of date. Raises Refused
    for a rule of the code, for a native check that would be switched off or made less
    severe, and for any other check that is switched off without a note; BadCondition.
    """
    if row.kind == Kind.NATIVE:
        raise Refused(f"{row.code!r} is a rule of the code: it always judges.")
    if row.kind == Kind.FILTERING and "condition" in values:
        conditions.validate(values["condition"])
    if row.kind == Kind.CONTROL:
        _refuse_to_weaken(row, values)
    for name in ("label", "is_active", *_CHANGEABLE[row.kind]):
        if name in values:
            setattr(row, name, values[name])
    row.full_clean()
    row.save()


def _refuse_to_weaken(row: TypologyRule, values: dict[str, Any]) -> None:
    _refuse_too_mild(row.check_code, values.get("severity", row.severity))
    if values.get("is_active", row.is_active):
        values["inactive_note"] = ""
        return
    if not row.is_active:
        return
    if controls.is_always_on(row):
        text = _("“{check}” cannot be switched off: the law or a promise needs it.")
        raise Refused(text.format(check=row.shown_label))
    if not values.get("inactive_note", row.inactive_note).strip():
        text = _("Say why “{check}” is switched off: it finds what readers would see.")
        raise Refused(text.format(check=row.shown_label))


def _find_rule(name: str) -> TypologyRule:
    rows = TypologyRule.objects.exclude(kind=Kind.NATIVE)
    codes = [name] if ":" in name else [f"{prefix}:{name}" for prefix in PREFIXES]
    found = list(rows.filter(code__in=codes))
    if not found:
        known = ", ".join(rows.values_list("code", flat=True))
        raise Refused(f"There is no rule {name!r}. There are: {known}.")
    if len(found) > 1:
        listed = ", ".join(row.code for row in found)
        raise Refused(f"{name!r} names several rules: {listed}. Say which.")
    return found[0]


def keep_in_step(**kwargs: Any) -> None:
    """Listener of `post_migrate`: rows for the code's rules, and a default typology.

    What an operator has changed stays: only the labels of native rules are rewritten,
    and a typology that exists is left alone.
    """
    for rule in registered_rules():
        TypologyRule.objects.update_or_create(
            code=rule.code,
            defaults={"label": str(rule.label), "kind": Kind.NATIVE},
        )
    for check in controls.CHECKS.values():
        TypologyRule.objects.get_or_create(
            code=f"control:{check.code}",
            defaults={
                "label": str(check.label),
                "kind": Kind.CONTROL,
                "check_code": check.code,
                "severity": check.severity,
            },
        )
    if not Typology.objects.exists():
        default_typology()
