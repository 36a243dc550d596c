"""What is allowed a few times at once and comes back slowly: tries, searches."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Allowance(models.Model):
    """How much of an allowance somebody has used, and when that was true.

    `subject` is a keyed hash: neither a name nor a network can be read here.
    """

    class Scope(models.TextChoices):
        SIGN_IN_NAME = "name", _("Wrong passwords for a name")
        SIGN_IN_NETWORK = "network", _("Wrong passwords from a network")
        SIGN_IN_BROWSER = "browser", _("Wrong passwords from a known browser")
        CODE = "code", _("Wrong codes of the second factor")
        SEARCH = "search", _("Searches for a whole address")

    scope = models.CharField(_("what is counted"), max_length=8, choices=Scope)
    subject = models.CharField(_("hash"), max_length=64)
    used = models.FloatField(_("used"), default=0)
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("allowance")
        verbose_name_plural = _("allowances")
        constraints = [
            models.UniqueConstraint(fields=["scope", "subject"], name="allowance_once")
        ]
        indexes = [
            # Clean-up.
            models.Index(fields=["at"], name="allowance_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.scope}: {self.used}"
