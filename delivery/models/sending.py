"""The sending of a delivery, and what became of each of its targets."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from audiences.models.jobs import Job

from .deliveries import Analysis, Delivery
from .outcomes import loose_key


class Sending(Job):
    """The sending of one delivery: when, how fast, how far (F1).

    `delivery.sending` is its only writer. The targets of the analysis are taken in the
    order of their ids: those up to `position` have a `Dispatch` each.
    """

    class State(models.TextChoices):
        SCHEDULED = "scheduled", _("Scheduled")
        SENDING = "sending", _("Sending")
        PAUSED = "paused", _("Paused")
        CANCELLED = "cancelled", _("Cancelled")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")

    UNFINISHED = (State.SCHEDULED, State.SENDING)
    # What it can be cancelled in.
    OPEN = (State.SCHEDULED, State.SENDING, State.PAUSED, State.FAILED)

    delivery = models.OneToOneField(
        Delivery, on_delete=models.PROTECT, related_name="sending"
    )
    state = models.CharField(
        _("state"), max_length=16, choices=State, default=State.SENDING
    )
    starts_at = models.DateTimeField(_("starts"))
    # Since when it is prepared once more, right before a scheduled start.
    preparing_since = models.DateTimeField(_("preparing"), null=True, blank=True)
    # What somebody decided to send: a later run must be of the same.
    analysis = models.ForeignKey(
        Analysis, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    rate = models.FloatField(
        _("rate"),
        null=True,
        blank=True,
        help_text=_("Messages a second at most, of all workers together; empty: any."),
    )
    # When the next message may be claimed: what keeps all workers to the rate.
    free_at = models.DateTimeField(_("next claim"), null=True, blank=True)
    position = models.BigIntegerField(_("claimed up to"), default=0)
    reason = models.TextField(
        _("reason"), blank=True, help_text=_("Why it is paused or has failed.")
    )
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    # The copies to seeds: who begins takes them on, once; then what became of each.
    seeds_at = models.DateTimeField(_("copies"), null=True, blank=True)
    seeds = models.JSONField(_("what became of the copies"), default=list)

    class Meta:
        verbose_name = _("sending")
        verbose_name_plural = _("sendings")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        *("scheduled", "sending", "paused"),
                        *("cancelled", "sent", "failed"),
                    ]
                ),
                name="sending_state_known",
                violation_error_message=_("There is no such state."),
            ),
        ]
        indexes = [
            # What the sweep looks for each minute.
            models.Index(
                fields=["starts_at"],
                condition=models.Q(state__in=["scheduled", "sending"]),
                name="sending_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delivery}: {self.get_state_display()}"


class Dispatch(models.Model):
    """What became of one target of a delivery that is being sent (F6).

    A target without a row has not been claimed yet: it waits. Written in bulk, hence a
    composite key and no constraints, as `Outcome`.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        HANDING_OVER = "handing_over", _("Being handed over")
        SENT = "sent", _("Sent")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        REFUSED = "refused", _("Refused")
        UNCERTAIN = "uncertain", _("Uncertain")

    pk = models.CompositePrimaryKey("delivery_id", "profile_id")
    delivery = loose_key(Delivery, related_name="dispatches")
    profile = loose_key("audiences.Profile", related_name="+")
    status = models.CharField(_("status"), max_length=16, choices=Status)
    code = models.CharField(
        _("code"),
        max_length=64,
        blank=True,
        db_default="",
        help_text=_("The cause of a withdrawal; the code of a refusal."),
    )
    text = models.TextField(
        _("text"), blank=True, db_default="", help_text=_("What the server answered.")
    )
    at = models.DateTimeField(_("at"))
    attempts = models.SmallIntegerField(_("attempts"), db_default=0)
    first_at = models.DateTimeField(_("first claimed"))
    # When one that waits is tried again.
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    # Which worker hands it over: see `delivery.sending.slots`.
    slot = models.SmallIntegerField(_("slot"), null=True, blank=True)

    class Meta:
        verbose_name = _("hand-over")
        verbose_name_plural = _("hand-overs")
        indexes = [
            # What is being handed over, by worker; what is to be tried again.
            models.Index(
                fields=["delivery", "status", "due_at"],
                condition=models.Q(status__in=["waiting", "handing_over"]),
                name="dispatch_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.profile_id} {self.status}"
