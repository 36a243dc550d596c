"""Deliveries, and the runs of their analysis."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel
from audiences.models import Audience, Service, Tag

from .senders import Sender
from .typologies import Typology


class Delivery(models.Model):
    """A message to an audience on a channel (D1)."""

    class Purpose(models.TextChoices):
        """Why it is sent (D6); `delivery.exclusions` says what each purpose skips."""

        MARKETING = "marketing", _("Marketing")
        TRANSACTIONAL = "transactional", _("Transactional")
        LEGAL = "legal", _("Legal")

    class State(models.TextChoices):
        """How far the preparation is."""

        DRAFT = "draft", _("Draft")
        RUNNING = "running", _("Analysis running")
        STOPPED = "stopped", _("Analysis stopped")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Analysis failed")

    label = models.CharField(
        _("label"),
        max_length=150,
        unique=True,
        help_text=_("Its name for operators; recipients do not see it."),
    )
    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    audience = models.ForeignKey(
        Audience, verbose_name=_("audience"), on_delete=models.PROTECT
    )
    service = models.ForeignKey(
        Service,
        verbose_name=_("service"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        help_text=_("Only its active subscribers get the delivery."),
    )
    purpose = models.CharField(
        _("purpose"), max_length=16, choices=Purpose, default=Purpose.MARKETING
    )
    purpose_note = models.TextField(
        _("note on the purpose"),
        blank=True,
        help_text=_("Why opted-out people get it; needed when the purpose skips that."),
    )
    typology = models.ForeignKey(
        Typology,
        verbose_name=_("typology"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        help_text=_("The rules that it applies; empty means the default ones."),
    )
    sender = models.ForeignKey(
        Sender,
        verbose_name=_("sender"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        help_text=_("Who a mail is from; empty means the one of the settings."),
    )
    subject = models.CharField(_("subject"), max_length=250, blank=True)
    preheader = models.CharField(
        _("preheader"),
        max_length=250,
        blank=True,
        help_text=_("What mail programs show beside the subject, before it is opened."),
    )
    content = models.TextField(
        _("content"),
        blank=True,
        help_text=_("The message; {{ first_name }} stands for a field of the profile."),
    )
    headers = models.TextField(
        _("further headers"),
        blank=True,
        help_text=_(
            "Of a mail, one a line, such as X-Campaign: spring. Those that Campaign "
            "writes itself cannot be given."
        ),
    )
    columns = models.CharField(
        _("columns"),
        max_length=2000,
        blank=True,
        help_text=_(
            "Of the extraction file, in order; empty means those of every file."
        ),
    )
    contact_date = models.DateTimeField(
        _("contact date"),
        null=True,
        blank=True,
        help_text=_("When it is to be sent; empty means as soon as it is prepared."),
    )
    tags = models.ManyToManyField(
        Tag, verbose_name=_("tags"), related_name="deliveries", blank=True
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    written_by = models.CharField(
        _("written by"),
        max_length=150,
        blank=True,
        editable=False,
        help_text=_("Who changed it last, or its audience or rules; empty: a command."),
    )

    tested_at = models.DateTimeField(
        _("tested"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("When a proof of what it says now was taken by a server."),
    )

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-id"]
        permissions = [
            ("skip_denylist", "Can make deliveries that reach opted-out people"),
            ("prepare_delivery", "Can prepare deliveries, and stop it"),
            ("send_delivery", "Can send, pause, resume and cancel deliveries"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(channel__in=Channel.values),
                name="delivery_channel_known",
                violation_error_message=_("This is no channel."),
            ),
            models.CheckConstraint(
                condition=models.Q(purpose__in=["marketing", "transactional", "legal"]),
                name="delivery_purpose_known",
                violation_error_message=_("This is no purpose of a delivery."),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def has_left(self) -> bool:
        """Whether it was handed over, is being sent or scheduled: then it stands.

        What somebody approved, tested and scheduled is what leaves.
        """
        begun = Delivery.objects.filter(pk=self.pk, sending__isnull=False)
        return self.messages.exists() or begun.exists()

    @property
    def outcomes_stand(self) -> bool:
        """Whether no analysis may replace its outcomes any more.

        Those of one that is scheduled are replaced once more, right before its moment.
        """
        again = models.Q(
            sending__state="scheduled", sending__preparing_since__isnull=False
        )
        rows = Delivery.objects.filter(pk=self.pk, sending__isnull=False)
        return self.messages.exists() or rows.exclude(again).exists()

    @property
    def latest_analysis(self) -> "Analysis | None":
        return self.analyses.order_by("-id").first()

    @property
    def state(self) -> str:
        """The state of the latest analysis, or draft before the first."""
        latest = self.latest_analysis
        return latest.state if latest else Delivery.State.DRAFT


class Analysis(models.Model):
    """One run of the analysis of a delivery: how far it is and what it found (D4)."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        STOPPED = "stopped", _("Stopped")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="analyses"
    )
    state = models.CharField(
        _("state"), max_length=16, choices=State, default=State.RUNNING
    )
    at = models.DateTimeField(
        _("judged for"), help_text=_("The moment that subscriptions are judged for.")
    )
    definition = models.JSONField(
        _("definition"), help_text=_("What the delivery was when the run began.")
    )
    seen = models.TextField(
        _("seen"),
        blank=True,
        help_text=_("Which transactions its results take into account."),
    )
    ready_in = models.BigIntegerField(
        _("ready in"),
        null=True,
        editable=False,
        help_text=_("The transaction that made it ready."),
    )
    stop_requested = models.BooleanField(_("stop asked for"), default=False)
    counts = models.JSONField(
        _("counts"), default=dict, help_text=_("How many profiles for each cause.")
    )
    warnings = models.JSONField(_("warnings"), default=dict)
    findings = models.JSONField(
        _("findings"), default=list, help_text=_("What control rules found.")
    )
    error = models.TextField(_("error"), blank=True)
    host = models.CharField(_("host"), max_length=255, blank=True)
    process = models.IntegerField(_("process"), null=True, blank=True)
    seconds = models.FloatField(_("seconds"), default=0)
    started_at = models.DateTimeField(_("started"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("analysis")
        verbose_name_plural = _("analyses")
        ordering = ["-id"]
        indexes = [
            # The latest analysis of a delivery.
            models.Index(fields=["delivery", "id"], name="analysis_of_delivery"),
        ]

    def __str__(self) -> str:
        return f"{self.delivery}: {self.get_state_display()}"

    @property
    def targeted(self) -> int:
        """Everyone in the audience (D4)."""
        return sum(self.counts.values())

    @property
    def to_deliver(self) -> int:
        return int(self.counts.get("", 0))

    @property
    def excluded(self) -> int:
        return self.targeted - self.to_deliver

    @property
    def done(self) -> int:
        """How many profiles of the audience are judged."""
        done = self.chunks.filter(is_judged=True).aggregate(done=models.Sum("size"))
        return done["done"] or 0


class AnalysisChunk(models.Model):
    """A range of the audience's ids that one statement judges.

    The process that judges it locks the row, and marks it in the transaction that
    writes the outcomes: a chunk is judged whole and once, whatever is killed.
    """

    analysis = models.ForeignKey(
        Analysis, on_delete=models.CASCADE, related_name="chunks", db_index=False
    )
    low = models.BigIntegerField()
    high = models.BigIntegerField()
    size = models.IntegerField()
    is_judged = models.BooleanField(default=False)
    # How many profiles each rule decided, by the number of the rule.
    counts = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("chunk of an analysis")
        verbose_name_plural = _("chunks of an analysis")
        indexes = [
            # The next chunk to judge; the progress.
            models.Index(
                fields=["analysis", "is_judged", "low"], name="chunk_to_judge"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"
