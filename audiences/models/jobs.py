"""What every piece of background work has in common."""

from collections.abc import Sequence
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


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
