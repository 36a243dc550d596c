"""The rules as rows, and the typologies that name a set of them."""

import re

from django.db import models
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop

from audiences.channels import Channel
from audiences.refusals import Sentence

_LIMIT = gettext_noop("More than {maximum} in {days} days, {where}")
_A_LIMIT = re.compile(_LIMIT.format(maximum=r"(\d+)", days=r"(\d+)", where="(.+)"))


def label_of_limit(maximum: int, period_days: int, channel: str) -> str:
    """What a limit is called, in English, unless somebody names it."""
    where = gettext_noop("any channel")
    if channel:
        where = Sentence.of(Channel(channel).label).text
    return _LIMIT.format(maximum=maximum, days=period_days, where=where)


def label_in_words(label: str) -> str:
    """A label in the reader's language, where it is one of ours; else as it is."""
    if found := _A_LIMIT.fullmatch(label):
        maximum, days, where = found.groups()
        return gettext(_LIMIT).format(maximum=maximum, days=days, where=gettext(where))
    return gettext(label) if label else ""


class TypologyRule(models.Model):
    """A rule of the analysis (D3, D5); an outcome names its cause by this row's number.

    Native rules and built-in control rules are kept in step with the code after every
    migration; filtering and fatigue rules are the operators' own.
    """

    class Kind(models.TextChoices):
        NATIVE = "native", _("Native")
        FILTERING = "filtering", _("Filtering")
        FATIGUE = "fatigue", _("Fatigue")
        CONTROL = "control", _("Control")

    class Severity(models.TextChoices):
        """What a control rule does when the message breaks it."""

        ERROR = "error", _("Error: stops the analysis")
        WARNING = "warning", _("Warning: is shown")

    id = models.SmallAutoField(primary_key=True)
    code = models.CharField(_("code"), max_length=100, unique=True)
    label = models.CharField(_("label"), max_length=150)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("An inactive rule judges nothing.")
    )
    inactive_note = models.TextField(
        _("why it is switched off"),
        blank=True,
        help_text=_("Control: needed to switch a check off."),
    )
    condition = models.JSONField(
        _("condition"),
        null=True,
        blank=True,
        help_text=_("Filtering: profiles that meet it are excluded."),
    )
    maximum = models.PositiveSmallIntegerField(
        _("maximum"),
        null=True,
        blank=True,
        help_text=_("Fatigue: at most so many messages in the period."),
    )
    uses_profile_limit = models.BooleanField(
        _("profile's own limit"),
        default=False,
        help_text=_("Fatigue: a profile's message limit replaces the maximum."),
    )
    period_days = models.PositiveSmallIntegerField(
        _("period in days"),
        null=True,
        blank=True,
        help_text=_("Fatigue: so many calendar days in a row, today among them."),
    )
    channel = models.CharField(
        _("channel"),
        max_length=16,
        choices=Channel,
        blank=True,
        help_text=_("Fatigue: messages on this channel count; empty means on all."),
    )
    check_code = models.CharField(
        _("check"), max_length=50, blank=True, help_text=_("Control: what it checks.")
    )
    severity = models.CharField(
        _("severity"), max_length=8, choices=Severity, blank=True
    )

    class Meta:
        verbose_name = _("typology rule")
        verbose_name_plural = _("typology rules")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="typologyrule_complete",
                violation_error_message=_(
                    "A filtering rule needs a condition; a fatigue rule needs a "
                    "maximum and a period, both 1 or more."
                ),
                condition=models.Q(kind="native")
                | models.Q(kind="filtering", condition__isnull=False)
                | models.Q(kind="fatigue", maximum__gte=1, period_days__gte=1)
                | (models.Q(kind="control", severity__in=["error", "warning"])),
            ),
        ]

    def __str__(self) -> str:
        return self.shown_label

    @property
    def shown_label(self) -> str:
        """The label in the reader's language, but one that an operator gave a filter.

        Those of the code's rules are ours, and so are those of limits without a name.
        """
        is_own = self.kind == self.Kind.FILTERING
        return self.label if is_own else label_in_words(self.label)


class Typology(models.Model):
    """A named set of rules that a delivery applies, in their order (D5).

    The native rules judge every delivery; a typology adds the operators' rules.
    """

    slug = models.SlugField(_("slug"), unique=True)
    label = models.CharField(_("label"), max_length=150)
    is_default = models.BooleanField(
        _("default"),
        default=False,
        help_text=_("Deliveries have this typology unless they name another."),
    )
    rules = models.ManyToManyField(
        TypologyRule, verbose_name=_("rules"), through="TypologyRuleUse"
    )

    class Meta:
        verbose_name = _("typology")
        verbose_name_plural = _("typologies")
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="typology_one_default",
                violation_error_message=_("There is a default typology already."),
            ),
        ]

    def __str__(self) -> str:
        return self.shown_label

    @property
    def shown_label(self) -> str:
        """The label in the reader's language: the default one's is ours."""
        return gettext(self.label) if self.is_default and self.label else self.label


class TypologyRuleUse(models.Model):
    """A rule's place in a typology."""

    typology = models.ForeignKey(
        Typology, on_delete=models.CASCADE, related_name="uses"
    )
    rule = models.ForeignKey(TypologyRule, on_delete=models.PROTECT)
    position = models.PositiveSmallIntegerField(
        _("position"), help_text=_("Rules of one kind decide in this order.")
    )

    class Meta:
        verbose_name = _("rule of a typology")
        verbose_name_plural = _("rules of a typology")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["typology", "rule"], name="typologyruleuse_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.typology}: {self.rule}"
