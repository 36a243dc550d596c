"""Approvals of deliveries that reach opted-out people."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from .deliveries import Delivery


class Approval(models.Model):
    """What somebody approved of a delivery, and when; append-only (D6).

    `approved` is the delivery as it was then: it is in force while the delivery, its
    audience and its rules still have this fingerprint. `delivery.approvals` is its only
    writer.
    """

    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="approvals"
    )
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    approved = models.JSONField(
        _("approved"), help_text=_("Text, audience, rules and note as they were.")
    )
    written_by = models.CharField(_("written by"), max_length=150, blank=True)
    approved_by = models.CharField(_("approved by"), max_length=150)
    approved_at = models.DateTimeField(_("approved"), auto_now_add=True)

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.delivery}: {self.approved_by}"
