"""The rules as rows, so that the cause in an outcome is one small number."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class TypologyRule(models.Model):
    """A rule of the analysis (D3).

    Native rules are kept in step with `delivery.exclusions` after every migration.
    """

    class Kind(models.TextChoices):
        NATIVE = "native", _("Native")

    id = models.SmallAutoField(primary_key=True)
    code = models.CharField(_("code"), max_length=100, unique=True)
    label = models.CharField(_("label"), max_length=150)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    position = models.PositiveSmallIntegerField(
        _("position"), help_text=_("The first rule that matches decides.")
    )

    class Meta:
        verbose_name = _("typology rule")
        verbose_name_plural = _("typology rules")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.label
