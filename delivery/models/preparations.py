"""Requests to prepare a delivery."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from .deliveries import Delivery


class PreparationRequest(models.Model):
    """Who asked last for a delivery to be prepared by a background worker, and when.

    The queue only wakes a worker; this row says that there is something to do.
    `delivery.analysis.preparation` is its only writer.
    """

    delivery = models.OneToOneField(
        Delivery, on_delete=models.CASCADE, related_name="preparation_request"
    )
    asked_by = models.CharField(_("asked for by"), max_length=150)
    asked_at = models.DateTimeField(_("asked for"))
    refusal = models.TextField(
        _("refusal"), blank=True, help_text=_("Why the worker could not begin.")
    )

    class Meta:
        verbose_name = _("request to prepare")
        verbose_name_plural = _("requests to prepare")

    def __str__(self) -> str:
        return f"{self.delivery}: {self.asked_by}"
