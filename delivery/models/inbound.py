"""What came back, as it arrived, and the queue of what a human must look at."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel


class InboundItem(models.Model):
    """Something that arrived: a mail, a text message, a provider's call.

    It is stored before anybody reads it. The same thing from the same source is one
    row, however often it arrives. `delivery.feedback.intake` is the only writer.
    """

    class State(models.TextChoices):
        """What became of it. The codes are public."""

        NEW = "new", _("Not read yet")
        APPLIED = "applied", _("Applied")
        IGNORED = "ignored", _("Ignored")
        UNREADABLE = "unreadable", _("Unreadable")
        UNMATCHED = "unmatched", _("Unmatched")
        UNCLEAR = "unclear", _("Unclear")
        HELD = "held", _("Held")

    # What waits for a human.
    WAITING = (State.UNREADABLE, State.UNMATCHED, State.UNCLEAR, State.HELD)

    source = models.CharField(
        _("source"),
        max_length=50,
        help_text=_("Where it came from: mail, or the name of a provider."),
    )
    external_id = models.CharField(
        _("its number"),
        max_length=255,
        help_text=_("The sender's own number, or a hash of the content."),
    )
    channel = models.CharField(
        _("channel"), max_length=16, choices=Channel, default=Channel.EMAIL
    )
    received_at = models.DateTimeField(_("received"))
    raw = models.BinaryField(_("as it arrived"))
    size = models.PositiveBigIntegerField(
        _("size"), help_text=_("In bytes, as it arrived; a longer one is cut off.")
    )
    is_verified = models.BooleanField(
        _("verified"),
        default=False,
        help_text=_("A provider's signature proves where it came from."),
    )
    state = models.CharField(
        _("state"), max_length=16, choices=State, default=State.NEW
    )
    note = models.TextField(
        _("note"), blank=True, help_text=_("Why it waits, or why it was decided so.")
    )
    decided_by = models.CharField(
        _("decided by"),
        max_length=150,
        blank=True,
        help_text=_("The operator's user name; empty: nobody had to."),
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    class Meta:
        verbose_name = _("inbound item")
        verbose_name_plural = _("inbound")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], name="inbounditem_once"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        *("new", "applied", "ignored"),
                        *("unreadable", "unmatched", "unclear", "held"),
                    ]
                ),
                name="inbounditem_state_known",
                violation_error_message=_("This is no state of what came back."),
            ),
        ]
        indexes = [
            # The operators' queue: one state, newest first; what is still to be read.
            models.Index(fields=["state", "-id"], name="inbounditem_queue"),
            # The end of retention.
            models.Index(fields=["received_at"], name="inbounditem_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.source} #{self.pk}"

    @property
    def is_waiting(self) -> bool:
        return self.state in self.WAITING

    @property
    def hold_text(self) -> str:
        """Names the decision that a hold waits for: the one about this item."""
        return f"Held: unclear message, inbound item {self.pk}"

    @property
    def is_cut(self) -> bool:
        return self.size > len(self.raw)


class InboundMention(models.Model):
    """An address that an item names, for searches, held numbers and erasure."""

    item = models.ForeignKey(
        InboundItem, on_delete=models.CASCADE, related_name="mentions", db_index=False
    )
    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    key = models.CharField(_("address"), max_length=500)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "channel", "key"], name="inboundmention_once"
            ),
        ]
        indexes = [
            # The items about one address.
            models.Index(fields=["channel", "key"], name="inboundmention_of_address"),
        ]

    def __str__(self) -> str:
        return self.key


class InboundClue(models.Model):
    """What an item says of a message that is not on record, or not for certain.

    When messages are recorded, the items that wait for them are found by this. Removed
    when the item has found its message, or an operator has decided.
    """

    class Kind(models.TextChoices):
        """What kind of number it is; an address where the report has a signature."""

        MESSAGE_ID = "message_id"
        PROVIDER_ID = "provider_id"
        RETURN_PATH = "return_path"
        ADDRESS = "address"

    item = models.ForeignKey(
        InboundItem, on_delete=models.CASCADE, related_name="clues", db_index=False
    )
    channel = models.CharField(max_length=16, choices=Channel)
    kind = models.CharField(max_length=16, choices=Kind)
    value = models.CharField(max_length=500)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "channel", "kind", "value"], name="inboundclue_once"
            ),
        ]
        indexes = [
            # The items that wait for a message.
            models.Index(fields=["kind", "value"], name="inboundclue_by_value"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.value}"


class UnprovenEffect(models.Model):
    """Something that acted although nothing proves it; kept for a day.

    More than FEEDBACK_UNPROVEN_AN_HOUR within an hour wait for a human.
    """

    at = models.DateTimeField()

    class Meta:
        indexes = [
            # The effects of the last hour.
            models.Index(fields=["at"], name="unproveneffect_by_time"),
        ]

    def __str__(self) -> str:
        return str(self.at)


class MailboxPosition(models.Model):
    """How far a mailbox was read: messages up to this number are stored."""

    mailbox = models.CharField(
        _("mailbox"), max_length=255, unique=True, help_text=_("user@host/folder")
    )
    uid_validity = models.PositiveBigIntegerField()
    last_uid = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.mailbox
