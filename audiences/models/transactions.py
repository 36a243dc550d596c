"""Which transaction wrote a row, and what is left of rows that went."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


def transaction_number() -> "models.BigIntegerField[int | None, int | None]":
    """The number of the transaction that wrote the row last.

    The database fills it, whatever a writer says (`audiences.changes`): rows that one
    moment could not see are found by it, and rows in the order of their transactions.
    Rows from before there was such a number have none, or 0.
    """
    return models.BigIntegerField(_("transaction"), null=True, editable=False)


class Departure(models.Model):
    """A profile that has one address less, or is gone altogether.

    The database writes it as the row goes (`audiences.changes.watches`); an analysis
    that began before must not go on with what it read. It names nobody but by a number,
    and is deleted after two days.
    """

    profile_id = models.BigIntegerField()
    transaction_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("departure")
        verbose_name_plural = _("departures")
        indexes = [
            # Who has departed since a moment.
            models.Index(fields=["transaction_id"], name="departure_by_transaction"),
        ]

    def __str__(self) -> str:
        return f"#{self.profile_id}"
