"""What the analysis decided for each profile of the audience."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from audiences.models import Profile

from .deliveries import Delivery
from .typologies import TypologyRule


def loose_key(
    to: "type[models.Model] | str", **options: Any
) -> "models.ForeignKey[Any, Any]":
    """A reference without a constraint (measured: they take five times the time)."""
    return models.ForeignKey(
        to,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        **options,
    )


class OutcomeWarning(models.Model):
    """A profile to deliver that a warning of the analysis is about (P4)."""

    pk = models.CompositePrimaryKey("delivery_id", "code", "profile_id")
    delivery = loose_key(Delivery, related_name="+")
    code = models.CharField(_("code"), max_length=50)
    profile = loose_key(Profile, related_name="+")

    class Meta:
        verbose_name = _("warning")
        verbose_name_plural = _("warnings")

    def __str__(self) -> str:
        return f"{self.code}: {self.profile_id}"


class Outcome(models.Model):
    """One profile of a delivery's audience: to deliver, or excluded and why (D3, D4).

    Written by `delivery.analysis` alone, in bulk: hence no foreign key constraints
    (measured: they take five times the time of the rows) and a composite key.
    """

    pk = models.CompositePrimaryKey("delivery_id", "profile_id")
    delivery = loose_key(Delivery, related_name="outcomes")
    profile = loose_key(Profile, related_name="+")
    address = models.TextField(
        _("address"), null=True, help_text=_("The primary address at the analysis.")
    )
    rule = loose_key(
        TypologyRule,
        verbose_name=_("cause"),
        null=True,
        help_text=_(
            "The rule that excluded the profile; empty: it is to be delivered."
        ),
    )

    class Meta:
        verbose_name = _("outcome")
        verbose_name_plural = _("outcomes")

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.profile_id}"
