"""Quarantine: the evidence, the operators' actions, and the entry they come down to."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel
from audiences.models import AddressStatus

from .deliveries import Delivery
from .messages import Message


class ErrorType(models.TextChoices):
    """How much an error says about the address (Q3)."""

    HARD = "hard", _("Hard")
    SOFT = "soft", _("Soft")
    IGNORED = "ignored", _("Ignored")


class ErrorReason(models.TextChoices):
    """Why an address failed (Q2, Q4). The codes are public."""

    USER_UNKNOWN = "user_unknown", _("User unknown")
    INVALID_DOMAIN = "invalid_domain", _("Invalid domain")
    UNREACHABLE = "unreachable", _("Unreachable")
    ACCOUNT_DISABLED = "account_disabled", _("Account disabled")
    MAILBOX_FULL = "mailbox_full", _("Mailbox full")
    REFUSED = "refused", _("Refused")
    NOT_DEFINED = "not_defined", _("Not defined")
    ADDRESS_NOT_DEFINED = "address_not_defined", _("Address not defined")
    ERROR_IGNORED = "error_ignored", _("Error ignored")
    NOT_CONNECTED = "not_connected", _("Not connected")
    TEXT_TOO_LONG = "text_too_long", _("Text too long")
    ENCODING = "encoding", _("Encoding")
    COMPLAINT = "complaint", _("Complaint")
    STOP = "stop", _("STOP")
    OPERATOR = "operator", _("Operator")


class AddressError(models.Model):
    """One error of one address: evidence, append-only.

    It belongs to the address, not to a profile (Q1): the key is all that it knows.
    """

    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    key = models.CharField(_("address"), max_length=500)
    at = models.DateTimeField(_("when"))
    type = models.CharField(_("type"), max_length=8, choices=ErrorType)
    reason = models.CharField(
        _("reason"), max_length=24, choices=ErrorReason, default=ErrorReason.NOT_DEFINED
    )
    text = models.TextField(_("text"), blank=True)
    message = models.ForeignKey(
        Message,
        verbose_name=_("message"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="errors",
    )
    source = models.CharField(
        _("source"), max_length=50, help_text=_("Who or what reported the error.")
    )
    event_id = models.CharField(
        _("event id"),
        max_length=255,
        null=True,
        blank=True,
        help_text=_("The reporter's own number; the same one counts once."),
    )
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())

    class Meta:
        verbose_name = _("address error")
        verbose_name_plural = _("address errors")
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "event_id"], name="addresserror_event_once"
            ),
            models.CheckConstraint(
                condition=models.Q(type__in=ErrorType.values),
                name="addresserror_type_known",
                violation_error_message=_("This is no type of error."),
            ),
        ]
        indexes = [
            # The evidence of one address in time order.
            models.Index(
                fields=["channel", "key", "at"], name="addresserror_of_address"
            ),
            # Bulk release: the errors of a period.
            models.Index(fields=["at"], name="addresserror_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.get_reason_display()}"


class QuarantineAction(models.Model):
    """What was decided about an address besides its errors. Append-only.

    `delivery.quarantine.status` says what each kind does to the entry.
    """

    class Kind(models.TextChoices):
        SET = "set", _("Status set")
        RAISE = "raise", _("Status raised by a list")
        DISCOUNT = "discount", _("Errors of an outage discounted")
        SUCCESS = "success", _("Delivered")
        START = "start", _("START")
        HOLD = "hold", _("Held until somebody decides")
        DECIDE = "decide", _("Hold ended")
        UNDO = "undo", _("Undone")

    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    key = models.CharField(_("address"), max_length=500)
    at = models.DateTimeField(_("when"))
    kind = models.CharField(_("what"), max_length=16, choices=Kind)
    status = models.CharField(_("status"), max_length=16, choices=AddressStatus)
    reason = models.CharField(
        _("reason"), max_length=24, choices=ErrorReason, default=ErrorReason.OPERATOR
    )
    text = models.TextField(_("text"), blank=True)
    type = models.CharField(
        _("error type"), max_length=8, choices=ErrorType, blank=True
    )
    error_count = models.PositiveIntegerField(_("error count"), default=0)
    first_error_at = models.DateTimeField(_("first error"), null=True, blank=True)
    last_error_at = models.DateTimeField(_("last error"), null=True, blank=True)
    actor = models.CharField(_("who"), max_length=150, blank=True)
    source = models.CharField(_("source"), max_length=50)
    known_error_id = models.BigIntegerField(
        _("last error known"),
        default=0,
        db_default=0,
        help_text=_("A decision says nothing about errors that were recorded later."),
    )
    # The change of people that decided so; an undo names the one that it takes back.
    act_id = models.BigIntegerField(_("bulk change"), null=True, editable=False)

    class Meta:
        verbose_name = _("quarantine action")
        verbose_name_plural = _("quarantine actions")
        ordering = ["-at", "-id"]
        indexes = [
            # The history of one entry.
            models.Index(fields=["channel", "key", "at"], name="quarantineaction_of"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.get_status_display()}"


class QuarantineEntry(models.Model):
    """The state of one address (Q2), whether or not any profile has it (Q1).

    Everything here follows from the address's errors and actions in the order of
    their time; `delivery.quarantine` computes it and is the only writer.
    """

    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    key = models.CharField(_("address"), max_length=500)
    status = models.CharField(_("status"), max_length=16, choices=AddressStatus)
    reason = models.CharField(
        _("error reason"), max_length=24, choices=ErrorReason, blank=True
    )
    type = models.CharField(
        _("error type"), max_length=8, choices=ErrorType, blank=True
    )
    error_count = models.PositiveIntegerField(_("error count"), default=0)
    first_error_at = models.DateTimeField(_("first error"), null=True, blank=True)
    last_error_at = models.DateTimeField(_("last error"), null=True, blank=True)
    text = models.TextField(_("error text"), blank=True)
    last_delivery = models.ForeignKey(
        Delivery,
        verbose_name=_("last delivery"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    releases_at = models.DateTimeField(
        _("released on"),
        null=True,
        blank=True,
        help_text=_("When an erroneous address is valid again without new errors."),
    )

    class Meta:
        verbose_name = _("quarantine entry")
        verbose_name_plural = _("quarantined addresses")
        permissions = [
            ("release_quarantineentry", "Can release addresses from quarantine"),
        ]
        ordering = ["-last_error_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "key"], name="quarantineentry_once"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=AddressStatus.values),
                name="quarantineentry_status_known",
                violation_error_message=_("This is no status of an address."),
            ),
        ]
        indexes = [
            # The automatic release of erroneous addresses.
            models.Index(
                fields=["releases_at"],
                name="quarantineentry_due",
                condition=models.Q(releases_at__isnull=False),
            ),
            # The operators' list, newest first.
            models.Index(fields=["-last_error_at", "-id"], name="quarantineentry_list"),
        ]

    def __str__(self) -> str:
        return self.key
