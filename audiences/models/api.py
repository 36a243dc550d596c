"""Keys of programs, what they have used, and the answers that are given again."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ApiKey(models.Model):
    """What a program may do through the API; `audiences.api_keys` is the only writer.

    The history names it for ever, so a key is revoked and never deleted.
    """

    name = models.CharField(
        _("name"),
        max_length=100,
        unique=True,
        help_text=_("What the history calls the program that uses it."),
    )
    scopes = models.JSONField(
        _("scopes"),
        default=list,
        help_text=_("What it may do, such as consent:write."),
    )
    networks = models.JSONField(
        _("networks"),
        default=list,
        help_text=_(
            "Where it may be used from, such as 192.0.2.0/24; empty: anywhere."
        ),
    )
    rate = models.PositiveIntegerField(
        _("requests a minute"),
        null=True,
        blank=True,
        help_text=_("At most so many; empty: API_RATE."),
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    created_by = models.CharField(_("created by"), max_length=150, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    revoked_by = models.CharField(_("revoked by"), max_length=150, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ApiSecret(models.Model):
    """What a program shows: of the secret itself there is only a hash.

    Two of a key count at once while the program goes over to the newer one.
    """

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="secrets")
    prefix = models.CharField(_("begins with"), max_length=20, unique=True)
    digest = models.CharField(_("hash"), max_length=64)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)

    class Meta:
        verbose_name = _("secret of an API key")
        verbose_name_plural = _("secrets of API keys")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.prefix


class ApiUse(models.Model):
    """How many requests of a key have been let through in a minute."""

    key = models.ForeignKey(
        ApiKey, on_delete=models.CASCADE, related_name="uses", db_index=False
    )
    minute = models.BigIntegerField(_("minute"))
    count = models.PositiveIntegerField(_("requests"), default=0)

    class Meta:
        verbose_name = _("use of an API key")
        verbose_name_plural = _("uses of API keys")
        constraints = [
            models.UniqueConstraint(fields=["key", "minute"], name="apiuse_once")
        ]
        indexes = [
            # Clean-up.
            models.Index(fields=["minute"], name="apiuse_by_minute"),
        ]

    def __str__(self) -> str:
        return f"{self.key_id}: {self.count}"


class ApiAnswer(models.Model):
    """What was answered to a request with an Idempotency-Key, to be answered again.

    It is written in the transaction of the act, and removed after a day. The answer
    may name people: an erasure empties those about the person.
    """

    key = models.ForeignKey(
        ApiKey, on_delete=models.CASCADE, related_name="answers", db_index=False
    )
    name = models.CharField(_("Idempotency-Key"), max_length=255)
    fingerprint = models.CharField(_("hash of the request"), max_length=64)
    status = models.PositiveSmallIntegerField(_("status"))
    headers = models.JSONField(_("headers"), default=dict)
    body = models.TextField(_("body"), blank=True)
    at = models.DateTimeField(_("when"), db_default=Now())

    class Meta:
        verbose_name = _("answer of the API")
        verbose_name_plural = _("answers of the API")
        constraints = [
            models.UniqueConstraint(fields=["key", "name"], name="apianswer_once")
        ]
        indexes = [
            # Clean-up.
            models.Index(fields=["at"], name="apianswer_by_time"),
        ]

    def __str__(self) -> str:
        return self.name
