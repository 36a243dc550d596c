"""Audiences: the profiles that a delivery is meant for."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from .profiles import Profile
from .services import Service


class Audience(models.Model):
    """A named set of profiles: everyone, subscribers, those of a condition, a list."""

    class Kind(models.TextChoices):
        EVERYONE = "everyone", _("Everyone")
        SUBSCRIBERS = "subscribers", _("Subscribers of a service")
        LIST = "list", _("A list of profiles")
        CONDITION = "condition", _("Profiles that meet a condition")

    name = models.CharField(_("name"), max_length=200, unique=True)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    service = models.ForeignKey(
        Service,
        verbose_name=_("service"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    condition = models.JSONField(
        _("condition"),
        null=True,
        blank=True,
        help_text=_("A condition tree; docs/conditions.md describes it."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("audience")
        verbose_name_plural = _("audiences")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="audience_service_when_subscribers",
                violation_error_message=_(
                    "Only an audience of subscribers has a service, and it needs one."
                ),
                condition=models.Q(kind="subscribers", service__isnull=False)
                | (
                    models.Q(kind__in=["everyone", "list", "condition"])
                    & models.Q(service__isnull=True)
                ),
            ),
            models.CheckConstraint(
                name="audience_condition_when_condition",
                violation_error_message=_(
                    "Only an audience by condition has a condition, and it needs one."
                ),
                condition=models.Q(kind="condition", condition__isnull=False)
                | (~models.Q(kind="condition") & models.Q(condition__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AudienceMember(models.Model):
    """A profile on the list of an audience of the kind *list*."""

    pk = models.CompositePrimaryKey("audience_id", "profile_id")
    audience = models.ForeignKey(
        Audience, on_delete=models.CASCADE, related_name="members", db_index=False
    )
    profile = models.ForeignKey(
        Profile, on_delete=models.CASCADE, related_name="+", db_index=True
    )

    class Meta:
        verbose_name = _("audience member")
        verbose_name_plural = _("audience members")

    def __str__(self) -> str:
        return f"{self.audience_id}: {self.profile_id}"
