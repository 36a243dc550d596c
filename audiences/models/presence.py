"""Who is at work behind the scenes, and who keeps the clock."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Presence(models.Model):
    """A background worker that was seen; `audiences.background.presence` writes it."""

    name = models.CharField(_("name"), max_length=100, primary_key=True)
    version = models.CharField(_("version"), max_length=40, blank=True)
    started_at = models.DateTimeField(_("started"), db_default=Now())
    seen_at = models.DateTimeField(_("last seen"), db_default=Now())

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.name


class Lease(models.Model):
    """What one process at a time may do, until a moment that it keeps moving on.

    Times are the database's: machines need not agree about theirs.
    """

    name = models.CharField(_("name"), max_length=50, primary_key=True)
    holder = models.CharField(_("held by"), max_length=100)
    until = models.DateTimeField(_("until"))
    # When each task of the clock was last asked for, so that the next one goes on.
    data = models.JSONField(_("data"), default=dict)

    class Meta:
        verbose_name = _("lease")
        verbose_name_plural = _("leases")

    def __str__(self) -> str:
        return self.name
