"""Changes of many people at once, and how far each is."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class BulkAct(models.Model):
    """One change of everybody in a selection; `audiences.selections.bulk_acts` runs it.

    The row is what is to be done and how far it is: the queue only wakes a worker. The
    chosen people are data, so that the worker selects the same ones.
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
    actor = models.CharField(_("who"), max_length=150)
    created_at = models.DateTimeField(_("asked"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    worked_at = models.DateTimeField(_("last sign of work"), null=True, blank=True)
    state = models.CharField(
        _("state"), max_length=16, choices=State, default=State.WAITING
    )
    # Profiles up to here are done; those above `last_id` came later and are not meant.
    position = models.BigIntegerField(_("done up to"), default=0)
    last_id = models.BigIntegerField(_("goes up to"), default=0)
    seen = models.BigIntegerField(_("people"), default=0)
    changed = models.BigIntegerField(_("changed"), default=0)
    error = models.TextField(_("error"), blank=True)

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
            ),
        ]
        indexes = [
            # What the sweep looks for each minute.
            models.Index(
                fields=["id"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="bulkact_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def is_unfinished(self) -> bool:
        return self.state in self.UNFINISHED

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
