"""What happened beside the consent history, and the programs that are told."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel

from .transactions import transaction_number


class Happening(models.Model):
    """One fact for the feed that is no step of consent: an address, a delivery.

    The writer of the fact writes it in the same transaction, through `audiences.feed`,
    with the number of that transaction. Steps of consent are not repeated here: the
    feed reads them in the history itself.
    """

    name = models.CharField(_("what"), max_length=40)
    at = models.DateTimeField(_("when"), default=timezone.now)
    transaction_id = transaction_number()
    profile_id = models.BigIntegerField(_("profile"), null=True, blank=True)
    channel = models.CharField(_("channel"), max_length=16, choices=Channel, blank=True)
    key = models.CharField(
        _("address"),
        max_length=500,
        blank=True,
        help_text=_("Empty after an erasure."),
    )
    delivery_id = models.BigIntegerField(_("delivery"), null=True, blank=True)
    data = models.JSONField(_("details"), default=dict, help_text=_("Codes only."))

    class Meta:
        verbose_name = _("fact of the feed")
        verbose_name_plural = _("facts of the feed")
        ordering = ["-id"]
        indexes = [
            # The order of the feed.
            models.Index(fields=["transaction_id", "id"], name="happening_in_order"),
            # Erasing a person.
            models.Index(
                fields=["channel", "key"],
                name="happening_by_address",
                condition=~models.Q(key=""),
            ),
            models.Index(
                fields=["profile_id"],
                name="happening_by_profile",
                condition=models.Q(profile_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"


class Endpoint(models.Model):
    """A program that is told what happens, at its web address.

    `audiences.endpoints` is the only writer. It is told in the order of the feed, from
    where it is (`position`).
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        DISABLED = "disabled", _("Disabled")

    url = models.CharField(_("web address"), max_length=500)
    events = models.JSONField(_("events"), default=list)
    with_addresses = models.BooleanField(
        _("with addresses"),
        default=False,
        help_text=_("Whether it is told the primary addresses of the person."),
    )
    secret = models.CharField(_("secret"), max_length=100)
    former_secret = models.CharField(_("former secret"), max_length=100, blank=True)
    former_until = models.DateTimeField(
        _("former secret signs until"), null=True, blank=True
    )
    state = models.CharField(
        _("state"), max_length=16, choices=State, default=State.ACTIVE
    )
    reason = models.CharField(_("why"), max_length=200, blank=True)
    position = models.CharField(_("told up to"), max_length=80)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    due_at = models.DateTimeField(_("next try"), default=timezone.now)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    created_by = models.CharField(_("created by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["active", "disabled"]),
                name="endpoint_state_known",
                violation_error_message=_("This is no state of an endpoint."),
            ),
        ]

    def __str__(self) -> str:
        """Where it is; a query may be a secret, and logs call it so."""
        return self.url.partition("?")[0]


class EndpointCall(models.Model):
    """One change that an endpoint is told, and what it answered."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        TOLD = "told", _("Told")
        FAILED = "failed", _("Failed")

    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, related_name="calls", db_index=False
    )
    change = models.CharField(_("change"), max_length=30)
    name = models.CharField(_("event"), max_length=40)
    profile_id = models.BigIntegerField(_("profile"), null=True, blank=True)
    state = models.CharField(
        _("state"), max_length=16, choices=State, db_default=State.WAITING
    )
    created_at = models.DateTimeField(_("since"), db_default=Now())
    first_at = models.DateTimeField(_("first try"), null=True, blank=True)
    due_at = models.DateTimeField(_("due"), db_default=Now())
    told_at = models.DateTimeField(_("last try"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), db_default=0)
    status = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True)
    answer = models.CharField(
        _("said"),
        max_length=200,
        blank=True,
        db_default="",
        help_text=_("How its answer began, or what went wrong."),
    )

    class Meta:
        verbose_name = _("call of an endpoint")
        verbose_name_plural = _("calls of endpoints")
        ordering = ["-id"]
        indexes = [
            # What waits, in order; what waits before it for the same person.
            models.Index(
                fields=["endpoint", "id"],
                name="endpointcall_waiting",
                condition=models.Q(state="waiting"),
            ),
            models.Index(
                fields=["endpoint", "profile_id", "id"],
                name="endpointcall_of_person",
                condition=models.Q(state="waiting"),
            ),
            # The page of an endpoint.
            models.Index(fields=["endpoint", "-id"], name="endpointcall_newest"),
            # Clean-up.
            models.Index(fields=["created_at"], name="endpointcall_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.change}"
