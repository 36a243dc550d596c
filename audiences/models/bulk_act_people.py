"""Whom a change of many has changed, so that it can be taken back as one."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from .jobs import BulkAct
from .profiles import Profile


class BulkActPerson(models.Model):
    """Somebody whom a change of many has changed, by what; and its undoing.

    `event_id` is the number of what was done: an event of consent, a decision of the
    quarantine, or the tag.

    Written in the chunks of the change, in their transactions. The events stay when a
    change is cleaned up or a person erased; these rows go.
    """

    class Outcome(models.TextChoices):
        NOT_UNDONE = "", _("Not undone")
        UNDONE = "undone", _("Undone")
        CHANGED_SINCE = "changed_since", _("Left: changed since")
        NOT_ALLOWED = (
            "not_allowed",
            _("Left: the data is restricted or the row is gone"),
        )

    act = models.ForeignKey(
        BulkAct,
        verbose_name=_("bulk change"),
        on_delete=models.CASCADE,
        related_name="people",
        db_index=False,
    )
    profile = models.ForeignKey(
        Profile,
        verbose_name=_("profile"),
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    event_id = models.BigIntegerField(_("consent event"))
    outcome = models.CharField(
        _("undone"), max_length=16, choices=Outcome, blank=True, db_default=""
    )

    class Meta:
        verbose_name = _("person of a bulk change")
        verbose_name_plural = _("people of bulk changes")
        constraints = [
            # Its index is also how an undoing walks over the people.
            models.UniqueConstraint(
                fields=["act", "profile"], name="bulkactperson_once"
            ),
            models.CheckConstraint(
                name="bulkactperson_outcome_known",
                violation_error_message=_("This is nothing that becomes of a person."),
                condition=models.Q(
                    outcome__in=["", "undone", "changed_since", "not_allowed"]
                ),
            ),
        ]
        indexes = [
            # Erasing a person.
            models.Index(fields=["profile"], name="bulkactperson_of_profile"),
            # Who was left as they are, by name.
            models.Index(
                fields=["act", "profile"],
                name="bulkactperson_left",
                condition=models.Q(outcome__in=["changed_since", "not_allowed"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.act_id}: {self.profile_id}"
