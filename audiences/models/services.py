"""Services that people subscribe to, and their subscriptions."""

from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel

from .profiles import Profile

LONGEST_VALIDITY = 36_500


class Service(models.Model):
    """Something that people subscribe to, such as a newsletter (S1)."""

    slug = models.SlugField(
        _("slug"), unique=True, help_text=_("Its name in commands and addresses.")
    )
    label = models.CharField(_("label"), max_length=150)
    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    validity_days = models.PositiveIntegerField(
        _("validity in days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_VALIDITY)],
        help_text=_("Subscriptions end after so many days; empty means never."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ["label", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(channel__in=Channel.values),
                name="service_channel_known",
            ),
            models.CheckConstraint(
                condition=models.Q(validity_days__isnull=True)
                | models.Q(validity_days__range=(1, LONGEST_VALIDITY)),
                name="service_validity_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.label


class Subscription(models.Model):
    """The present state between a profile and a service (S1, S2).

    Only `audiences.subscriptions` writes it, with an event in the consent history.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        ACTIVE = "active", _("Active")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
        EXPIRED = "expired", _("Expired")

    profile = models.ForeignKey(
        Profile, on_delete=models.CASCADE, related_name="subscriptions", db_index=False
    )
    service = models.ForeignKey(
        Service, on_delete=models.PROTECT, related_name="subscriptions", db_index=False
    )
    status = models.CharField(_("status"), max_length=16, choices=Status)
    changed_at = models.DateTimeField(_("since"))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = [
            # Also the subscriptions of one profile.
            models.UniqueConstraint(
                fields=["profile", "service"], name="subscription_once"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    status__in=["pending", "active", "unsubscribed", "expired"]
                ),
                name="subscription_status_known",
            ),
        ]
        indexes = [
            # The analysis' join: subscribers of a service by range of profiles.
            models.Index(fields=["service", "profile"], name="subscription_of_service"),
        ]

    def __str__(self) -> str:
        return f"{self.service}: {self.present_label}"

    @property
    def present_label(self) -> str:
        """The status now, in words."""
        return str(self.Status(self.status_at(timezone.now())).label)

    def status_at(self, moment: datetime) -> str:
        """The status at a moment: an active one expires by its date, not by a job."""
        is_active = self.status == self.Status.ACTIVE
        if is_active and self.expires_at and self.expires_at <= moment:
            return self.Status.EXPIRED
        return self.status
