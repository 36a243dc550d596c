"""Own fields: what an organisation keeps of people besides what everybody keeps."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from .profiles import Profile

LONGEST_LABEL = 60
LONGEST_VALUE = 500


class OwnField(models.Model):
    """A field that administrators have defined; `audiences.fields` writes it.

    Its type stays, for values are kept by it. A field is never required: nobody is
    turned away, and no opt-out lost, because somebody does not say their shoe size.
    """

    class Type(models.TextChoices):
        TEXT = "text", _("Text")
        NUMBER = "number", _("Number")
        DATE = "date", _("Date")
        CHOICE = "choice", _("Choice from a list")
        YES_NO = "yes_no", _("Yes or no")

    label = models.CharField(_("label"), max_length=LONGEST_LABEL, unique=True)
    slug = models.CharField(
        _("slug"),
        max_length=LONGEST_LABEL,
        unique=True,
        help_text=_("Its name in files, commands, conditions and messages."),
    )
    type = models.CharField(_("type"), max_length=16, choices=Type)
    choices = models.JSONField(
        _("choices"), default=list, blank=True, help_text=_("One on each line.")
    )
    texts = models.JSONField(
        _("in other languages"),
        default=dict,
        db_default={},
        blank=True,
        help_text=_("By language: the label, and the choices by themselves."),
    )
    is_personal = models.BooleanField(
        _("personal"),
        default=True,
        help_text=_(
            "Whether a value says something about a person, and so is part of the "
            "answer when people ask what is known about them."
        ),
    )
    is_editable = models.BooleanField(
        _("recipients may edit it"),
        default=False,
        help_text=_(
            "It is then on the page with their preferences, and sign-up pages may ask "
            "for it."
        ),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("own field")
        verbose_name_plural = _("own fields")
        ordering = ["label"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    type__in=["text", "number", "date", "choice", "yes_no"]
                ),
                name="ownfield_type_known",
                violation_error_message=_("This is no type of a field."),
            )
        ]

    def __str__(self) -> str:
        return self.label

    def label_in(self, language: str) -> str:
        """What recipients read as its name."""
        return str(self._texts_in(language).get("label") or self.label)

    def choice_in(self, choice: str, language: str) -> str:
        """What recipients read for one of its choices."""
        return str(self._texts_in(language).get("choices", {}).get(choice) or choice)

    def _texts_in(self, language: str) -> dict[str, Any]:
        """Those of the language, else of the language without its region."""
        own = self.texts.get(language) or self.texts.get(language.partition("-")[0])
        return dict(own or {})


class FieldValue(models.Model):
    """What a profile has in an own field, in the column of its type; no row: nothing.

    One row for each value: a condition reads one narrow index, whichever the type, and
    a value is written without touching the profile (decision 0045).
    """

    pk = models.CompositePrimaryKey("field_id", "profile_id")
    field = models.ForeignKey(
        OwnField, on_delete=models.CASCADE, related_name="values", db_index=False
    )
    profile = models.ForeignKey(
        Profile, on_delete=models.CASCADE, related_name="own_values", db_index=True
    )
    # A choice is a text.
    text = models.CharField(max_length=LONGEST_VALUE, null=True)
    number = models.DecimalField(max_digits=15, decimal_places=4, null=True)
    date = models.DateField(null=True)
    yes = models.BooleanField(null=True)

    class Meta:
        verbose_name = _("value of an own field")
        verbose_name_plural = _("values of own fields")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    text__isnull=False,
                    number__isnull=True,
                    date__isnull=True,
                    yes__isnull=True,
                )
                | models.Q(
                    text__isnull=True,
                    number__isnull=False,
                    date__isnull=True,
                    yes__isnull=True,
                )
                | models.Q(
                    text__isnull=True,
                    number__isnull=True,
                    date__isnull=False,
                    yes__isnull=True,
                )
                | models.Q(
                    text__isnull=True,
                    number__isnull=True,
                    date__isnull=True,
                    yes__isnull=False,
                ),
                name="fieldvalue_one_value",
                violation_error_message=_("A value is of one type."),
            )
        ]
        # Whoever has a value, for conditions: all is in the index, by type.
        indexes = [
            models.Index(
                fields=["field", column, "profile"],
                condition=models.Q(**{f"{column}__isnull": False}),
                name=f"fieldvalue_by_{column}",
            )
            for column in ("text", "number", "date", "yes")
        ]

    def __str__(self) -> str:
        return f"{self.field_id}: {self.profile_id}"
