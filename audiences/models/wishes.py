"""What people ask of us short of an opt-out, and why they left."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audiences.channels import Scope

from .consent import ConsentEvent
from .profiles import Profile
from .transactions import transaction_number

LONGEST_REASON = 500


class ContactWish(models.Model):
    """A person's own limit, or a pause, on a channel or on all of them.

    One row is one wish as it was expressed: so many messages a month, or none until a
    moment. A wish that is taken back or replaced stays, with when and by whom.
    `audiences.wishes` is its only writer.
    """

    profile = models.ForeignKey(
        Profile,
        verbose_name=_("profile"),
        on_delete=models.CASCADE,
        db_index=False,
        related_name="wishes",
    )
    channel = models.CharField(_("channel"), max_length=16, choices=Scope)
    per_month = models.PositiveSmallIntegerField(
        _("messages a month"),
        null=True,
        blank=True,
        help_text=_("At most so many within 30 days."),
    )
    paused_until = models.DateTimeField(
        _("paused until"),
        null=True,
        blank=True,
        help_text=_("No marketing before this moment."),
    )
    since = models.DateTimeField(_("since"), default=timezone.now)
    source = models.CharField(_("source"), max_length=16, choices=ConsentEvent.Source)
    actor = models.CharField(
        _("who"), max_length=150, blank=True, help_text=_("The operator's user name.")
    )
    wording_version = models.CharField(_("wording version"), max_length=100, blank=True)
    delivery_id = models.BigIntegerField(_("delivery"), null=True, blank=True)
    ip = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    user_agent = models.TextField(_("browser"), blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_source = models.CharField(
        _("ended by"), max_length=16, choices=ConsentEvent.Source, blank=True
    )
    ended_actor = models.CharField(_("who ended it"), max_length=150, blank=True)
    ended_note = models.TextField(
        _("note on its end"),
        blank=True,
        db_default="",
        help_text=_("How the person asked for it, where an operator ended it."),
    )
    transaction_id = transaction_number()

    class Meta:
        verbose_name = _("wish")
        verbose_name_plural = _("wishes")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="contactwish_limit_or_pause",
                violation_error_message=_("A wish is a limit or a pause."),
                # Null is no answer: each side says what it needs.
                condition=models.Q(
                    per_month__isnull=False,
                    per_month__gte=1,
                    paused_until__isnull=True,
                )
                | models.Q(per_month__isnull=True, paused_until__isnull=False),
            ),
            models.CheckConstraint(
                name="contactwish_channel_known",
                violation_error_message=_("This is no channel."),
                condition=models.Q(channel__in=Scope.values),
            ),
            # Each judgement of a delivery looks up limits and pauses of people.
            models.UniqueConstraint(
                fields=["profile", "channel"],
                condition=models.Q(ended_at__isnull=True, per_month__isnull=False),
                name="contactwish_one_limit",
                violation_error_message=_("There is a limit already."),
            ),
            models.UniqueConstraint(
                fields=["profile", "channel"],
                condition=models.Q(ended_at__isnull=True, paused_until__isnull=False),
                name="contactwish_one_pause",
                violation_error_message=_("There is a pause already."),
            ),
        ]
        indexes = [
            # The wishes of one person, with those of before.
            models.Index(fields=["profile", "-id"], name="contactwish_of_profile"),
            # Who has expressed or ended one since a moment.
            models.Index(fields=["transaction_id"], name="contactwish_by_transaction"),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} #{self.pk}"


class LeavingReason(models.Model):
    """Why somebody left, if they say so: evidence of the act, never required.

    `audiences.wishes` is its only writer.
    """

    class Reason(models.TextChoices):
        TOO_MANY = "too_many", _("Too many messages")
        NOT_RELEVANT = "not_relevant", _("Not interesting any more")
        NEVER_ASKED = "never_asked", _("Never asked for it")
        OTHER_ADDRESS = "other_address", _("Another address or another way")
        OTHER = "other", _("Another reason")

    event = models.OneToOneField(
        ConsentEvent,
        verbose_name=_("consent event"),
        on_delete=models.DO_NOTHING,
        primary_key=True,
        related_name="reason",
    )
    profile = models.ForeignKey(
        Profile,
        verbose_name=_("profile"),
        on_delete=models.CASCADE,
        related_name="leaving_reasons",
    )
    reason = models.CharField(_("reason"), max_length=16, choices=Reason, blank=True)
    text = models.CharField(
        _("in their own words"), max_length=LONGEST_REASON, blank=True
    )
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("reason for leaving")
        verbose_name_plural = _("reasons for leaving")

    def __str__(self) -> str:
        return self.get_reason_display() or self.text
