"""A limit of messages that somebody asks for in three numbers, and where it works."""

from collections.abc import Callable, Iterable

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils.text import slugify
from django.utils.translation import gettext as _

from audiences.channels import Channel
from delivery.models import Delivery, Typology, TypologyRule, TypologyRuleUse
from delivery.rules import controls
from delivery.rules.writing import (
    PREFIXES,
    Kind,
    create_fatigue_rule,
    create_typology,
    default_typology,
    set_rules,
)

LONGEST = 45


def slug_of_rule(text: str) -> str:
    """A slug for a rule that says this, which no rule has yet."""
    taken = set(TypologyRule.objects.values_list("code", flat=True))
    return _free(text, lambda slug: any(f"{p}:{slug}" in taken for p in PREFIXES))


def slug_of_typology(text: str) -> str:
    """A slug for a typology of this name, which none has yet."""
    taken = set(Typology.objects.values_list("slug", flat=True))
    return _free(text, lambda slug: slug in taken)


def _free(text: str, is_taken: Callable[[str], bool]) -> str:
    first = slugify(text)[:LONGEST].strip("-_") or "rules"
    slug, number = first, 1
    while is_taken(slug):
        number += 1
        slug = f"{first}-{number}"
    return slug


def limit(maximum: int, period_days: int, channel: str) -> TypologyRule:
    """The active rule that allows so many messages in so many days; made if need be.

    Raises Refused, as `create_fatigue_rule` does.
    """
    same = TypologyRule.objects.filter(
        kind=Kind.FATIGUE,
        maximum=maximum,
        period_days=period_days,
        channel=channel,
        uses_profile_limit=False,
        is_active=True,
    )
    if found := same.first():
        return found
    text = f"at most {maximum} in {period_days} days {channel or 'any channel'}"
    return create_fatigue_rule(
        slug_of_rule(text), maximum=maximum, period_days=period_days, channel=channel
    )


def put_into(typology: Typology, rule: TypologyRule) -> bool:
    """Let a typology have the rule, after its others; whether it had it not yet."""
    with transaction.atomic():
        Typology.objects.select_for_update().get(pk=typology.pk)
        rows = [use.rule for use in _uses(typology)]
        if rule in rows:
            return False
        set_rules(typology, [*rows, rule])
    return True


def copy_with(typology: Typology | None, rule: TypologyRule, label: str) -> Typology:
    """Another typology: those of this one (None: of the default one), and this."""
    rows = [use.rule for use in _uses(typology or default_typology())]
    codes = dict.fromkeys([*(row.code for row in rows), rule.code])
    return create_typology(slug_of_typology(label), rules=list(codes), label=label)


def _uses(typology: Typology) -> QuerySet[TypologyRuleUse]:
    return typology.uses.select_related("rule").order_by("position", "id")


# ------------------------------------------------------------------ where it works
def idle(rows: Iterable[TypologyRule]) -> dict[int, str]:
    """Which of these rules judge nothing, and why; by their id.

    Three queries, whatever their number; fetch the typologies with the rules.
    """
    used = Delivery.objects.order_by().values("typology_id").annotate(n=Count("pk"))
    numbers: dict[int | None, int] = {row["typology_id"]: row["n"] for row in used}
    channels = set(Delivery.objects.order_by().values_list("channel", flat=True))
    found = {}
    for row in rows:
        always = row.kind == Kind.NATIVE or controls.is_always_on(row)
        if not always and (why := _why_idle(row, numbers, channels)):
            found[row.pk] = why
    return found


def _why_idle(
    row: TypologyRule, numbers: dict[int | None, int], channels: set[str]
) -> str:
    if not row.is_active:
        return _("It is switched off.")
    typologies = list(row.typology_set.all())
    if not typologies:
        return _("It is in no typology, so no delivery has it.")
    # Deliveries to come have the default one, though none has it now.
    if not any(t.is_default or numbers.get(t.pk) for t in typologies):
        return _("No delivery has a typology that it is in.")
    if row.channel and row.channel not in channels:
        text = _("It counts messages by {channel}, and no delivery goes by it.")
        return text.format(channel=Channel(row.channel).label)
    return ""
