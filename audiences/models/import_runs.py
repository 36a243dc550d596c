"""Imports in the browser: an uploaded file, its preview, and how far each is."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from .jobs import Job


class ImportRun(Job):
    """One uploaded file, of a kind that is registered in `audiences.imports.kinds`.

    It is checked first (nothing changes), then an operator confirms it;
    `audiences.imports.runs` does both.
    """

    class State(models.TextChoices):
        CHECKING = "checking", _("Being looked through")
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
                        *("checking", "checked", "importing"),
                        *("done", "cancelled", "failed"),
                    ]
                ),
                name="importrun_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def percent(self) -> int:
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
    reason = models.TextField(_("reason"))
    outcome = models.CharField(_("outcome"), max_length=16)

    class Meta:
        verbose_name = _("reject of an import")
        verbose_name_plural = _("rejects of imports")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.row}: {self.reason}"
