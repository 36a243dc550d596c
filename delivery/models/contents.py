"""Who a delivery is from, and what it says in each language."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from .deliveries import Delivery

LONGEST_SUBJECT = 250
LONGEST_PREHEADER = 250
LANGUAGE = RegexValidator(
    r"\A[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z",
    _("Write a code of a language, such as nl or en-GB."),
)


class ContentVariant(models.Model):
    """What a delivery says to those who read one language.

    What stands in the delivery itself is the variant for everybody else.
    """

    delivery = models.ForeignKey(
        Delivery,
        verbose_name=_("delivery"),
        on_delete=models.CASCADE,
        related_name="variants",
        db_index=False,
    )
    language = models.CharField(
        _("language"),
        max_length=35,
        validators=[LANGUAGE],
        help_text=_("nl also serves nl-BE, unless that has a variant of its own."),
    )
    subject = models.CharField(_("subject"), max_length=LONGEST_SUBJECT, blank=True)
    preheader = models.CharField(
        _("preheader"), max_length=LONGEST_PREHEADER, blank=True
    )
    content = models.TextField(_("content"), blank=True)

    class Meta:
        verbose_name = _("variant of a language")
        verbose_name_plural = _("variants of languages")
        ordering = ["language"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "language"],
                name="variant_once_per_language",
                violation_error_message=_("There is a variant of this language."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delivery}: {self.language}"
