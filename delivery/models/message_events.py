"""What became of messages, and what recipients said: append-only events."""

from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel

from .inbound import InboundItem
from .messages import Message
from .quarantine import ErrorReason, ErrorType


class EventKind(models.TextChoices):
    """What happened to a message, or what its recipient said about it."""

    FAILED = "failed", _("Failed")
    DELAYED = "delayed", _("Delayed")
    DELIVERED = "delivered", _("Delivered")
    COMPLAINT = "complaint", _("Complaint")
    UNSUBSCRIBE = "unsubscribe", _("Unsubscribe request")
    STOP = "stop", _("STOP")
    START = "start", _("START")


# What an erasure empties, and the item, which goes in time.
MAY_BE_EMPTIED = ("key", "domain", "text", "item_id")


class MessageEvent(models.Model):
    """One event that was applied, for ever: the proof that it counted, once.

    `delivery.feedback.intake` is the only writer. The same event of a source is one
    row. The database itself refuses to change or delete a row
    (`audiences.consent.guards`); only what names a person can be emptied.
    """

    message = models.ForeignKey(
        Message,
        verbose_name=_("message"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="events",
        db_index=False,
        help_text=_("Empty: a person's wish about the address that names no message."),
    )
    kind = models.CharField(_("what"), max_length=16, choices=EventKind)
    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    key = models.CharField(
        _("address"),
        max_length=500,
        null=True,
        blank=True,
        help_text=_("The address that we sent to; empty after an erasure."),
    )
    domain = models.CharField(_("domain"), max_length=255, null=True, blank=True)
    at = models.DateTimeField(_("when"))
    type = models.CharField(
        _("error type"), max_length=8, choices=ErrorType, blank=True
    )
    reason = models.CharField(
        _("error reason"), max_length=24, choices=ErrorReason, blank=True
    )
    status_code = models.CharField(_("status code"), max_length=32, blank=True)
    text = models.TextField(
        _("text"), null=True, blank=True, help_text=_("What the report says.")
    )
    source = models.CharField(_("source"), max_length=50)
    event_id = models.CharField(
        _("event id"),
        max_length=255,
        help_text=_("The reporter's own number, or a hash of what the report says."),
    )
    item = models.ForeignKey(
        InboundItem,
        verbose_name=_("inbound item"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="events",
    )

    class Meta:
        verbose_name = _("message event")
        verbose_name_plural = _("message events")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "event_id"], name="messageevent_once"
            ),
        ]
        indexes = [
            # What became of a message.
            models.Index(
                fields=["message", "at"],
                name="messageevent_of_message",
                condition=Q(message__isnull=False),
            ),
            # The successes of an address, as evidence of the quarantine.
            models.Index(
                fields=["channel", "key", "at"],
                name="messageevent_successes",
                condition=Q(kind=EventKind.DELIVERED),
            ),
            # Failures and complaints of a period.
            models.Index(fields=["kind", "at"], name="messageevent_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.message or self.key}"


# What outweighs what when two events of a message bear the same time.
WEIGHTS = {
    EventKind.DELAYED: 0,
    EventKind.DELIVERED: 1,
    EventKind.FAILED: 2,
    EventKind.START: 3,
    EventKind.UNSUBSCRIBE: 4,
    EventKind.STOP: 5,
    EventKind.COMPLAINT: 6,
}


def latest_kind() -> Subquery:
    """What became of a message, as an annotation: the kind of its latest event.

    A delay is provisional: it never outweighs anything else. Events of the same moment
    count by their weight, so that the order of arrival does not matter.
    """
    weight = Case(
        *(When(kind=kind, then=Value(value)) for kind, value in WEIGHTS.items()),
        default=Value(0),
    )
    events = MessageEvent.objects.filter(message=OuterRef("pk")).annotate(
        is_final=Case(When(kind=EventKind.DELAYED, then=0), default=1), weight=weight
    )
    latest = events.order_by("-is_final", F("at").desc(), "-weight", "-id")
    return Subquery(latest.values("kind")[:1])
