"""Where operators are signed in."""

import secrets

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


def new_number() -> str:
    """What a session holds to name its sign-in; nobody can guess another's."""
    return secrets.token_urlsafe(24)


class SignIn(models.Model):
    """A browser in which an operator is signed in. Without the row it no longer is.

    The session holds its number. So a session ends by deleting the row, wherever
    sessions are kept, and stays the same sign-in when its key changes.
    """

    number = models.CharField(_("number"), max_length=40, default=new_number)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="sign_ins",
    )
    at = models.DateTimeField(_("when"))
    network = models.CharField(_("network"), max_length=50, blank=True)
    browser = models.CharField(_("browser"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        ordering = ["-at"]
        constraints = [models.UniqueConstraint(fields=["number"], name="signin_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.at:%Y-%m-%d %H:%M}"
