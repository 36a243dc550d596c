"""Messages that were handed over."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel
from audiences.models import Profile
from audiences.models.transactions import transaction_number

from .deliveries import Delivery


class Message(models.Model):
    """One message of a delivery, handed over to a profile's address. Append-only.

    It says what was handed over and when, for ever; a profile gets a delivery at most
    once.
    """

    delivery = models.ForeignKey(
        Delivery,
        verbose_name=_("delivery"),
        on_delete=models.PROTECT,
        related_name="messages",
        db_index=False,
    )
    profile = models.ForeignKey(
        Profile,
        verbose_name=_("profile"),
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="messages",
    )
    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    address = models.TextField(_("address"))
    sent_at = models.DateTimeField(_("handed over"))
    message_id = models.CharField(
        _("message id"),
        max_length=255,
        null=True,
        blank=True,
        help_text=_("The sender's own number of the message."),
    )
    provider_id = models.CharField(
        _("provider's number"),
        max_length=255,
        null=True,
        blank=True,
        help_text=_("The number that a provider gave the message when it took it."),
    )
    transaction_id = transaction_number()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "profile"], name="message_once_per_profile"
            ),
        ]
        indexes = [
            # Fatigue: how many messages a profile got on a channel in a period.
            models.Index(
                fields=["channel", "profile", "sent_at"], name="message_for_fatigue"
            ),
            # The messages of one profile.
            models.Index(fields=["profile", "sent_at"], name="message_of_profile"),
            # What a report is about, by either number.
            models.Index(
                fields=["message_id"],
                name="message_by_message_id",
                condition=models.Q(message_id__isnull=False),
            ),
            models.Index(
                fields=["provider_id"],
                name="message_by_provider_id",
                condition=models.Q(provider_id__isnull=False),
            ),
            # Messages of a period, for the rate of failures.
            models.Index(fields=["channel", "sent_at"], name="message_by_time"),
            # Who got a message since a moment.
            models.Index(fields=["transaction_id"], name="message_by_transaction"),
        ]

    def __str__(self) -> str:
        return f"{self.delivery}: {self.address}"
