"""The history of consent: append-only events, and erasable evidence beside them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from audiences.channels import Scope

from .profiles import Profile
from .services import Service
from .transactions import transaction_number


class ConsentEvent(models.Model):
    """One change of a flag or of a subscription, for ever (P5, S3); or the end.

    The last event of a profile may be its erasure, without which no profile goes.

    The database itself refuses to change or delete a row (`audiences.consent.guards`).
    The profile and the service are plain numbers for the database, so that the
    history outlives both. Folding the events of a profile in the order of their ids
    gives its flags and subscriptions; `verify_consent` proves it. Across profiles ids
    say nothing about which was committed first: `transaction_id` does.
    """

    class Kind(models.TextChoices):
        OPT_OUT = "opt_out", _("Opt-out")
        OPT_IN = "opt_in", _("Opt-in")
        REQUEST = "request", _("Subscription requested")
        SUBSCRIBE = "subscribe", _("Subscribed")
        CONFIRM = "confirm", _("Subscription confirmed")
        UNSUBSCRIBE = "unsubscribe", _("Unsubscribed")
        EXPIRE = "expire", _("Subscription expired")
        ERASE = "erase", _("Erased")

    class Source(models.TextChoices):
        """Who or what made the change. The codes are public."""

        OPERATOR = "operator", _("Operator")
        COMMAND = "command", _("Command line")
        IMPORT = "import", _("Import")
        LANDING_PAGE = "landing_page", _("Landing page")
        ONE_CLICK = "one_click", _("One-click unsubscribe")
        MAIL = "mail", _("Unsubscribe mail")
        API = "api", _("API")
        SYSTEM = "system", _("System")

    FLAG_KINDS = (Kind.OPT_OUT, Kind.OPT_IN)

    profile = models.ForeignKey(
        Profile,
        verbose_name=_("profile"),
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="consent_events",
    )
    at = models.DateTimeField(_("when"))
    kind = models.CharField(_("what"), max_length=16, choices=Kind)
    channel = models.CharField(_("channel"), max_length=16, choices=Scope, blank=True)
    service = models.ForeignKey(
        Service,
        verbose_name=_("service"),
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        blank=True,
        related_name="consent_events",
    )
    source = models.CharField(_("source"), max_length=16, choices=Source)
    wording_version = models.CharField(
        _("wording version"),
        max_length=100,
        blank=True,
        db_default="",
        help_text=_("The version of the page or text that the person saw."),
    )
    delivery_id = models.BigIntegerField(_("delivery"), null=True, blank=True)
    transaction_id = transaction_number()
    recorded_at = models.DateTimeField(
        _("recorded"),
        null=True,
        editable=False,
        help_text=_("When it was written down, which the database itself notes."),
    )
    has_evidence = models.BooleanField(
        _("has evidence"),
        db_default=False,
        help_text=_(
            "Whether it was recorded with evidence, which may be erased since."
        ),
    )

    class Meta:
        verbose_name = _("consent event")
        verbose_name_plural = _("consent history")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="consentevent_about_flag_or_service",
                violation_error_message=_(
                    "An event is about a channel or about a service, as its kind says."
                ),
                condition=(
                    models.Q(
                        kind__in=["opt_out", "opt_in"],
                        channel__in=Scope.values,
                        service__isnull=True,
                    )
                    | models.Q(
                        kind__in=[
                            "request",
                            "subscribe",
                            "confirm",
                            "unsubscribe",
                            "expire",
                        ],
                        channel="",
                        service__isnull=False,
                    )
                    | models.Q(kind="erase", channel="", service__isnull=True)
                ),
            )
        ]
        indexes = [
            # The history of one profile; the fold of verify_consent.
            models.Index(
                fields=["profile", "channel", "service", "id"], name="consent_history"
            ),
            # The history of one service.
            models.Index(
                fields=["service", "id"],
                name="consent_of_service",
                condition=models.Q(service__isnull=False),
            ),
            # Opt-outs and opt-ins of each day, for the home page.
            models.Index(
                fields=["at", "kind"],
                name="consent_by_time",
                condition=models.Q(kind__in=["opt_out", "opt_in"]),
            ),
            # The consent given on one version of a page.
            models.Index(
                fields=["wording_version"],
                name="consent_of_wording",
                condition=~models.Q(wording_version=""),
            ),
            # Who was erased: asked for each profile that comes or goes.
            models.Index(
                fields=["profile"],
                name="consent_of_erased",
                condition=models.Q(kind="erase"),
            ),
            # Who left by a message of one delivery.
            models.Index(
                fields=["delivery_id"],
                name="consent_of_delivery",
                condition=models.Q(delivery_id__isnull=False),
            ),
            # What was recorded since a moment; the order in which the ledger seals.
            models.Index(
                fields=["transaction_id", "id"], name="consent_by_transaction"
            ),
        ]

    def __str__(self) -> str:
        subject = self.get_channel_display() if self.channel else f"#{self.service_id}"
        return f"{self.get_kind_display()}: {subject}"


class ConsentEvidence(models.Model):
    """The proof of an event (GDPR 7(1)): what may be personal, and can be erased."""

    event = models.OneToOneField(
        ConsentEvent,
        verbose_name=_("consent event"),
        on_delete=models.DO_NOTHING,
        primary_key=True,
        related_name="evidence",
    )
    note = models.TextField(_("note"), blank=True)
    actor = models.CharField(
        _("who"), max_length=150, blank=True, help_text=_("The operator's user name.")
    )
    ip = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    user_agent = models.TextField(_("browser"), blank=True)

    class Meta:
        verbose_name = _("consent evidence")
        verbose_name_plural = _("consent evidence")

    def __str__(self) -> str:
        return self.note or self.actor or str(self.ip or "")
