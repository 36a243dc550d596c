"""What people ask about their own data, and the end of it."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .jobs import Job


class PrivacyRequest(models.Model):
    """What a person asked about their own data (GDPR 15 to 21), and what became of it.

    Only `audiences.privacy` writes it. The profile is a plain number, so that the row
    outlives it; what the person wrote, and the notes, go with the person.
    """

    class Kind(models.TextChoices):
        """What is asked for. The codes are public."""

        ACCESS = "access", _("Access")
        ERASURE = "erasure", _("Erasure")
        CORRECTION = "correction", _("Correction")
        OBJECTION = "objection", _("Objection")
        RESTRICTION = "restriction", _("Restriction")

    class State(models.TextChoices):
        """How far it is. `granted`: about to be erased, or restricted from now on."""

        OPEN = "open", _("Open")
        GRANTED = "granted", _("Granted")
        DONE = "done", _("Done")
        REFUSED = "refused", _("Refused")

    profile_id = models.BigIntegerField(_("profile"))
    kind = models.CharField(_("what"), max_length=16, choices=Kind)
    state = models.CharField(
        _("state"), max_length=16, choices=State, default=State.OPEN
    )
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    due_on = models.DateField(
        _("to be answered by"), help_text=_("One month after it was received.")
    )
    text = models.TextField(_("what the person wrote"), blank=True, max_length=4_000)
    sent_to = models.CharField(
        _("link was sent to"),
        max_length=40,
        blank=True,
        help_text=_("A keyed hash of the address that has proven who asks."),
    )
    language = models.CharField(_("language"), max_length=35, blank=True)
    recorded_by = models.CharField(
        _("recorded by"),
        max_length=150,
        blank=True,
        help_text=_("Empty: the person asked on the page."),
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)
    note = models.TextField(
        _("note"), blank=True, help_text=_("Why it was decided so.")
    )
    # The opt-out that it made, which ends with a restriction.
    event_id = models.BigIntegerField(_("event"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_by = models.CharField(_("ended by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("privacy request")
        verbose_name_plural = _("privacy requests")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="privacyrequest_known",
                violation_error_message=_("There is no such request or state."),
                condition=models.Q(
                    kind__in=[
                        *("access", "erasure", "correction"),
                        *("objection", "restriction"),
                    ],
                    state__in=["open", "granted", "done", "refused"],
                ),
            ),
            models.CheckConstraint(
                name="privacyrequest_decided",
                violation_error_message=_(
                    "A request that is not open says when it was decided."
                ),
                condition=models.Q(state="open", decided_at__isnull=True)
                | (~models.Q(state="open") & models.Q(decided_at__isnull=False)),
            ),
        ]
        indexes = [
            # The requests of a person; who is restricted.
            models.Index(fields=["profile_id", "kind"], name="privacyrequest_of"),
            # The officer's queue.
            models.Index(
                fields=["due_on"],
                condition=models.Q(state="open"),
                name="privacyrequest_open",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.get_kind_display()}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN


class ErasureRun(Job):
    """The erasure of many people at once: it begins once a second person confirms it.

    `audiences.privacy.many` is its only writer.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("Waits for a second person")
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Failed")

    UNFINISHED = (State.WAITING, State.RUNNING)

    state = models.CharField(
        _("state"), max_length=16, choices=State, default=State.ASKED
    )
    reason = models.CharField(_("reason"), max_length=16)
    note = models.TextField(_("note"), blank=True)
    people = models.JSONField(_("numbers of the profiles"), default=list)
    confirmed_by = models.CharField(_("confirmed by"), max_length=150, blank=True)
    erased = models.PositiveIntegerField(_("erased"), default=0)

    class Meta:
        verbose_name = _("erasure of many")
        verbose_name_plural = _("erasures of many")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="erasurerun_state_known",
                violation_error_message=_("This is no state of an erasure."),
                condition=models.Q(
                    state__in=[
                        *("asked", "waiting", "running"),
                        *("done", "stopped", "failed"),
                    ]
                ),
            ),
            models.CheckConstraint(
                name="erasurerun_by_two",
                violation_error_message=_(
                    "Who asked for an erasure of many cannot be the one who confirms."
                ),
                condition=~models.Q(confirmed_by=models.F("actor")),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class RetentionRule(models.Model):
    """How long one kind of data is kept; in force once a second person confirms it.

    `audiences.privacy.retention` is its only writer, and has the kinds.
    """

    code = models.CharField(_("kind"), max_length=16, unique=True)
    months = models.PositiveSmallIntegerField(
        _("months"), null=True, blank=True, help_text=_("Empty: for ever.")
    )
    set_by = models.CharField(_("set by"), max_length=150, blank=True)
    set_at = models.DateTimeField(_("set"), default=timezone.now)
    confirmed_by = models.CharField(_("confirmed by"), max_length=150, blank=True)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    ran_at = models.DateTimeField(_("last run"), null=True, blank=True)
    removed = models.PositiveIntegerField(_("removed by the last run"), default=0)

    class Meta:
        verbose_name = _("retention rule")
        verbose_name_plural = _("retention")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="retentionrule_by_two",
                violation_error_message=_(
                    "Who set a rule cannot be the one who confirms it."
                ),
                condition=models.Q(confirmed_by="")
                | ~models.Q(confirmed_by=models.F("set_by")),
            ),
            models.CheckConstraint(
                name="retentionrule_months",
                violation_error_message=_("The months are 1 or more, or empty."),
                condition=models.Q(months__isnull=True) | models.Q(months__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return self.code
