"""What is kept about calls of providers besides what they report."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class HookCount(models.Model):
    """How many calls of one provider were refused or taken on one day (UTC).

    Of a call that is refused nothing else is kept.
    """

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        REPEATED = "repeated", _("Accepted: a repetition, nothing done")
        UNREADABLE = "unreadable", _("Accepted, but not readable")
        NO_SIGNATURE = "no_signature", _("Refused: no signature")
        WRONG_SIGNATURE = "wrong_signature", _("Refused: wrong signature")
        OUTDATED = "outdated", _("Refused: too old or from the future")
        REPLAYED = "replayed", _("Refused: a used token with another content")
        WRONG_TOPIC = "wrong_topic", _("Refused: a topic that is not ours")
        TOO_LARGE = "too_large", _("Refused: too large")

    day = models.DateField(_("day"))
    provider = models.CharField(_("provider"), max_length=30)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome)
    count = models.PositiveIntegerField(_("calls"), default=0)

    class Meta:
        verbose_name = _("webhook counter")
        verbose_name_plural = _("webhook counters")
        ordering = ["-day", "provider", "outcome"]
        constraints = [
            models.UniqueConstraint(
                fields=["day", "provider", "outcome"], name="hookcount_once_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.provider}, {self.get_outcome_display()}"


class UsedHookToken(models.Model):
    """A one-time token of a provider, with a digest of what came with it.

    Kept while a call that repeats it would still be fresh enough to count.
    """

    provider = models.CharField(max_length=30)
    token = models.CharField(max_length=64, help_text=_("A digest of the token."))
    body = models.CharField(max_length=64, help_text=_("A digest of the content."))
    used_at = models.DateTimeField()

    class Meta:
        verbose_name = _("used token of a webhook")
        verbose_name_plural = _("used tokens of webhooks")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "token"], name="usedhooktoken_once"
            ),
        ]
        indexes = [
            # The removal of old ones.
            models.Index(fields=["used_at"], name="usedhooktoken_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.token[:8]}"
