"""Addresses that nobody may write to any more, though nothing here can be read."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audiences.channels import Scope


class Suppression(models.Model):
    """An address that is suppressed on a channel, or on any: a keyed hash of it.

    It outlives the person: whoever is erased stays unreachable when an import, a form
    or a program brings the address back. The key is not in the database, so nobody who
    has only a copy of it can find out whether an address is here. Only
    `audiences.suppression` writes the row. It is never deleted; once lifted, it says by
    what.
    """

    class Reason(models.TextChoices):
        """What for. The codes are public."""

        OPTED_OUT = "opted_out", _("Opted out")
        QUARANTINED = "quarantined", _("In quarantine")
        DENYLISTED = "denylisted", _("On denylist")
        ERASED = "erased", _("Erased at the person's own wish")
        BY_HAND = "by_hand", _("Entered by hand")

    class Lift(models.TextChoices):
        """What ended it: the person's own proven act, or the protection officer."""

        CONFIRMED = "confirmed", _("Confirmed from the address itself")
        OFFICER = "officer", _("Decided by a person")

    channel = models.CharField(_("channel"), max_length=16, choices=Scope)
    digest = models.CharField(
        _("keyed hash"),
        max_length=64,
        help_text=_("HMAC-SHA-256 of the kind of address and its normalised form."),
    )
    key_id = models.CharField(
        _("key"), max_length=16, help_text=_("Which of the SUPPRESSION_KEYS made it.")
    )
    reason = models.CharField(_("what for"), max_length=16, choices=Reason)
    since = models.DateTimeField(_("since"), default=timezone.now)
    actor = models.CharField(
        _("who"), max_length=150, blank=True, help_text=_("The operator's user name.")
    )
    note = models.TextField(_("note"), blank=True)
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)
    lifted_by = models.CharField(
        _("lifted by"), max_length=16, choices=Lift, blank=True
    )
    lift_actor = models.CharField(_("who lifted it"), max_length=150, blank=True)
    lift_note = models.TextField(_("why it was lifted"), blank=True)

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")
        ordering = ["-id"]
        permissions = [("lift_suppression", "Can suppress addresses and lift it")]
        constraints = [
            # Also the lookup of the addresses that are being attached.
            models.UniqueConstraint(
                fields=["digest", "channel"],
                condition=models.Q(lifted_at__isnull=True),
                name="suppression_once",
                violation_error_message=_("The address is suppressed already."),
            ),
            models.CheckConstraint(
                name="suppression_lifted_by_something",
                violation_error_message=_(
                    "What is lifted says by what, and nothing else does."
                ),
                condition=models.Q(lifted_at__isnull=True, lifted_by="")
                | models.Q(
                    lifted_at__isnull=False, lifted_by__in=["confirmed", "officer"]
                ),
            ),
            models.CheckConstraint(
                name="suppression_channel_known",
                violation_error_message=_("This is no channel."),
                condition=models.Q(channel__in=Scope.values),
            ),
        ]
        indexes = [
            # Which keys are still needed, from one to the next.
            models.Index(fields=["key_id"], name="suppression_by_key"),
            # What was written since a moment.
            models.Index(fields=["since"], name="suppression_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} #{self.pk}"
