"""Background work: bulk changes and imports, and what all of it has in common."""

from collections.abc import Sequence
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audiences.refusals import Sentence


class Job(models.Model):
    """Work that somebody asked for and a background worker does.

    The row says what to do and how far it is; the queue only wakes a worker. What is
    done to such rows is in `audiences.background.jobs`.
    """

    # The states in which there is something for a worker to do.
    UNFINISHED: ClassVar[Sequence[str]] = ()

    actor = models.CharField(_("who"), max_length=150)
    created_at = models.DateTimeField(_("asked"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    worked_at = models.DateTimeField(_("last sign of work"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=16)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        abstract = True

    @property
    def is_unfinished(self) -> bool:
        return self.state in self.UNFINISHED


class BulkAct(Job):
    """One change of everybody in a selection; `selections.bulk_acts` makes it.

    The chosen people are data, so that the worker selects the same ones.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Failed")

    UNFINISHED = (State.WAITING, State.RUNNING)

    code = models.CharField(_("what"), max_length=50)
    details = models.JSONField(_("details"), default=dict)
    chosen = models.JSONField(_("chosen people"), default=dict)
    note = models.TextField(_("note"), blank=True)
    state = models.CharField(
        _("state"), max_length=16, choices=State, default=State.WAITING
    )
    # Profiles up to here are done; those above `last_id` came later and are not meant.
    position = models.BigIntegerField(_("done up to"), default=0)
    last_id = models.BigIntegerField(_("goes up to"), default=0)
    seen = models.BigIntegerField(_("people"), default=0)
    changed = models.BigIntegerField(_("changed"), default=0)
    # The change that this one takes back.
    undoes = models.ForeignKey(
        "self",
        verbose_name=_("undoes"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="undoings",
    )
    # Whether it wrote down whom it changed, so that it can be taken back as one.
    keeps_people = models.BooleanField(db_default=False, editable=False)

    class Meta:
        verbose_name = _("bulk change")
        verbose_name_plural = _("bulk changes")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["waiting", "running", "done", "stopped", "failed"]
                ),
                name="bulkact_state_known",
                violation_error_message=_(
                    "This is no state of a change of many people."
                ),
            ),
        ]
        indexes = [
            # What the sweep looks for each minute.
            models.Index(
                fields=["id"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="bulkact_unfinished",
            ),
            # The undoing of one change; only one is at work.
            models.Index(
                fields=["undoes"],
                name="bulkact_undoing",
                condition=models.Q(undoes__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def percent(self) -> int:
        """How much of the range of ids is done."""
        if self.state == self.State.DONE:
            return 100
        return min(99, 100 * self.position // self.last_id) if self.last_id else 0

    @property
    def unchanged(self) -> int:
        """Those for whom nothing had to change: they were so already."""
        return self.seen - self.changed


class ImportRun(Job):
    """One uploaded file, of a kind that is registered in `audiences.imports.kinds`.

    It is checked first (nothing changes), then an operator confirms it;
    `audiences.imports.runs` does both.
    """

    class State(models.TextChoices):
        MAPPING = "mapping", _("Waits for the meaning of its columns")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Waits for your confirmation")
        IMPORTING = "importing", _("Importing")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")

    UNFINISHED = (State.CHECKING, State.IMPORTING)

    kind = models.CharField(
        _("kind"), max_length=20, default="people", db_default="people"
    )
    file_name = models.CharField(_("file"), max_length=200)
    size = models.BigIntegerField(_("size in bytes"), default=0)
    ignore_unknown = models.BooleanField(_("leave out unknown columns"), default=False)
    allow_opt_in = models.BooleanField(
        _("“no” opts in"),
        default=False,
        help_text=_("“No” in a no_longer_contact column opts people in; needs a note."),
    )
    # What the form of a kind asks besides, such as a channel for all rows.
    details = models.JSONField(_("details"), default=dict, db_default={})
    note = models.TextField(_("note"), blank=True)
    created_at = models.DateTimeField(_("uploaded"), db_default=Now())
    state = models.CharField(
        _("state"), max_length=16, choices=State, default=State.CHECKING
    )
    done_bytes = models.BigIntegerField(_("read"), default=0)
    line = models.BigIntegerField(_("done up to line"), default=0)
    counts = models.JSONField(_("counts"), default=dict)
    # What the file looks like and a sample of what would change: shown before it is
    # confirmed, emptied afterwards.
    preview = models.JSONField(_("preview"), default=dict)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        *("mapping", "checking", "checked", "importing"),
                        *("done", "cancelled", "failed"),
                    ]
                ),
                name="importrun_state_known",
                violation_error_message=_("This is no state of an import."),
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def percent(self) -> int:
        """How much of the file is read."""
        if self.state == self.State.DONE:
            return 100
        return min(99, 100 * self.done_bytes // self.size) if self.size else 0


class ImportContent(models.Model):
    """The uploaded file itself, in pieces: kept only until the import has ended.

    In the database, because the worker may run on another machine.
    """

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="content")
    data = models.BinaryField(_("data"))

    class Meta:
        verbose_name = _("content of an import")
        verbose_name_plural = _("contents of imports")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.pk}"


class ImportReject(models.Model):
    """A row that was rejected, or a value that was left out, and why."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="rejects")
    row = models.BigIntegerField(_("row"))
    field = models.CharField(_("field"), max_length=100, blank=True)
    # English; it is told in the language of whoever reads it, with its values.
    reason = models.TextField(_("reason"))
    values = models.JSONField(_("values"), default=dict, db_default={})
    outcome = models.CharField(_("outcome"), max_length=16)

    class Meta:
        verbose_name = _("reject of an import")
        verbose_name_plural = _("rejects of imports")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.row}: {self.text}"

    @property
    def text(self) -> str:
        """The reason, in the language of the one who reads it."""
        return str(Sentence.of_json({"text": self.reason, "values": self.values}))
