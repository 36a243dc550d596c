"""Figures that are too much to count while somebody waits."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Figure(models.Model):
    """What was counted last, and when; `audiences.background.figures` writes it."""

    name = models.CharField(_("name"), max_length=50, primary_key=True)
    data = models.JSONField(_("data"), default=dict)
    at = models.DateTimeField(_("counted"), null=True)
    seconds = models.FloatField(_("seconds"), default=0)

    class Meta:
        verbose_name = _("figure")
        verbose_name_plural = _("figures")

    def __str__(self) -> str:
        return self.name
