"""The senders that mails may have, and the seeds that get a copy of each."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel


def sendable(address: str) -> None:
    """A plain address: mail servers check its domain, and one-click needs it too."""
    validate_email(address)
    if not address.isascii():
        raise ValidationError(
            _("Write it in plain letters; a domain as its xn-- form.")
        )


def one_line(text: str) -> None:
    """A header is one line."""
    if not text.isprintable():
        raise ValidationError(_("Write it on one line, without control characters."))


class Sender(models.Model):
    """A name and address that deliveries may be from: the list of what is allowed."""

    name = models.CharField(
        _("name"),
        max_length=100,
        validators=[one_line],
        help_text=_("What recipients read as the sender."),
    )
    address = models.CharField(
        _("address"),
        max_length=254,
        validators=[sendable],
        help_text=_("Its domain must be set up for your mail server (SPF, DKIM)."),
    )
    reply_to = models.CharField(
        _("replies to"),
        max_length=254,
        blank=True,
        validators=[sendable],
        help_text=_("Where replies go; empty: to the address itself."),
    )
    is_active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_("Without it, no delivery can be sent from it any more."),
    )

    class Meta:
        verbose_name = _("sender")
        verbose_name_plural = _("senders")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "address"],
                name="sender_once",
                violation_error_message=_("There is such a sender already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>"


class Seed(models.Model):
    """An address of our own that gets a copy of each delivery on its channel.

    It is nobody's: no message, no consent and no rule knows it.
    """

    name = models.CharField(
        _("name"),
        max_length=100,
        validators=[one_line],
        help_text=_("Whose it is, or what it is for."),
    )
    channel = models.CharField(
        _("channel"), max_length=16, choices=Channel, default=Channel.EMAIL
    )
    address = models.TextField(_("address"), max_length=1000)
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Without it, it gets nothing.")
    )

    class Meta:
        verbose_name = _("seed address")
        verbose_name_plural = _("seed addresses")
        ordering = ["channel", "name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(channel__in=Channel.values),
                name="seed_channel_known",
                violation_error_message=_("This is no channel."),
            ),
            models.UniqueConstraint(
                fields=["channel", "address"],
                name="seed_once",
                violation_error_message=_("There is such a seed already."),
            ),
        ]

    def __str__(self) -> str:
        return self.name
