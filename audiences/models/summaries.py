"""Which operators want a mail each morning."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class MorningSummary(models.Model):
    """An operator's wish for the summary of the day before; no row: no mail.

    Only `audiences.records.summaries` writes it. `last_day` is the day of the last one:
    whoever sets it to today sends it, so two clocks send one mail.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="+",
    )
    hour = models.PositiveSmallIntegerField(
        _("hour"), help_text=_("From this hour on, in the time zone of the site.")
    )
    language = models.CharField(_("language"), max_length=35)
    last_day = models.DateField(_("last sent on"), null=True, blank=True)
    chosen_at = models.DateTimeField(_("chosen"), db_default=Now())

    class Meta:
        verbose_name = _("morning summary")
        verbose_name_plural = _("morning summaries")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(hour__gte=0, hour__lte=23),
                name="morningsummary_hour_of_day",
                violation_error_message=_("An hour is from 0 to 23."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.hour}"
