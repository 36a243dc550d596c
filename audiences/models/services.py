"""Services that people subscribe to, and their subscriptions."""

from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel

from .profiles import Profile

LONGEST_VALIDITY = 36_500
LONGEST_LABEL = 150


class Service(models.Model):
    """Something that people subscribe to, such as a newsletter (S1).

    `label` is what operators see, and people where a language has none of its own in
    `texts`: `{"nl": {"label": …, "description": …}}`. `messages` holds what is written
    for this service: `{"subscribed": {"nl": {"subject": …, "text": …}}}`.
    """

    class Confirms(models.TextChoices):
        """Which message follows an act of the person."""

        NONE = "none", _("None")
        DEFAULT = "default", _("The built-in text")
        CUSTOM = "custom", _("A text of its own")

    # The messages of a service; the first one asks for a double opt-in.
    WAYS = ("request", "subscribed", "unsubscribed")

    slug = models.SlugField(
        _("slug"), unique=True, help_text=_("Its name in commands and addresses.")
    )
    label = models.CharField(_("label"), max_length=LONGEST_LABEL)
    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    validity_days = models.PositiveIntegerField(
        _("validity in days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_VALIDITY)],
        help_text=_("Subscriptions end after so many days; empty means never."),
    )
    double_opt_in = models.BooleanField(
        _("double opt-in"),
        default=False,
        help_text=_(
            "Whoever subscribes on a page gets a message with a link, and is "
            "subscribed only after confirming there."
        ),
    )
    is_closed = models.BooleanField(
        _("closed"),
        default=False,
        help_text=_(
            "Takes no new subscriptions. Present ones go on, and can be ended."
        ),
    )
    on_preference_page = models.BooleanField(
        _("on preference pages"),
        default=True,
        help_text=_("Without it, preference pages do not show this service."),
    )
    subscription_page = models.ForeignKey(
        "audiences.LandingPage",
        verbose_name=_("subscription page"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        limit_choices_to={"kind": "subscription"},
        help_text=_("Where people subscribe; its colours show when they confirm."),
    )
    unsubscription_page = models.ForeignKey(
        "audiences.LandingPage",
        verbose_name=_("unsubscription page"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        limit_choices_to={"kind": "unsubscription"},
        help_text=_("Where the link in messages leads; empty: the built-in page."),
    )
    request_message = models.CharField(
        _("message that asks to confirm"),
        max_length=8,
        choices=[c for c in Confirms.choices if c[0] != "none"],
        default=Confirms.DEFAULT,
    )
    subscribed_message = models.CharField(
        _("message after subscribing"),
        max_length=8,
        choices=Confirms,
        default=Confirms.NONE,
    )
    unsubscribed_message = models.CharField(
        _("message after unsubscribing"),
        max_length=8,
        choices=Confirms,
        default=Confirms.NONE,
    )
    texts = models.JSONField(_("public texts"), default=dict, blank=True)
    messages = models.JSONField(_("texts of messages"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ["label", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(channel__in=Channel.values),
                name="service_channel_known",
                violation_error_message=_("This is no channel."),
            ),
            models.CheckConstraint(
                condition=models.Q(validity_days__isnull=True)
                | models.Q(validity_days__range=(1, LONGEST_VALIDITY)),
                name="service_validity_positive",
                violation_error_message=_(
                    "The validity is a number of days, 1 or more, or empty."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def label_in(self, language: str) -> str:
        """What people read as its name."""
        return label_of(self.label, self.texts, language)

    def description_in(self, language: str) -> str:
        """What people read about it; may be empty."""
        return str(self.texts.get(language, {}).get("description", ""))


def label_of(label: str, texts: dict[str, dict[str, str]], language: str) -> str:
    """The public name in a language: its own text there, else the operators' label."""
    return texts.get(language, {}).get("label", "") or label


class Subscription(models.Model):
    """The present state between a profile and a service (S1, S2).

    Only `audiences.subscriptions` writes it, with an event in the consent history.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        ACTIVE = "active", _("Active")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
        EXPIRED = "expired", _("Expired")

    profile = models.ForeignKey(
        Profile,
        verbose_name=_("profile"),
        on_delete=models.CASCADE,
        related_name="subscriptions",
        db_index=False,
    )
    service = models.ForeignKey(
        Service,
        verbose_name=_("service"),
        on_delete=models.PROTECT,
        related_name="subscriptions",
        db_index=False,
    )
    status = models.CharField(_("status"), max_length=16, choices=Status)
    changed_at = models.DateTimeField(_("since"))
    expires_at = models.DateTimeField(
        _("expires"),
        null=True,
        blank=True,
        help_text=_("Of a pending one: until when it can be confirmed."),
    )
    made_profile = models.BooleanField(
        _("profile made for it"),
        db_default=False,
        help_text=_("The profile goes with the request when nobody confirms it."),
    )

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = [
            # Also the subscriptions of one profile.
            models.UniqueConstraint(
                fields=["profile", "service"], name="subscription_once"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    status__in=["pending", "active", "unsubscribed", "expired"]
                ),
                name="subscription_status_known",
                violation_error_message=_("This is no status of a subscription."),
            ),
        ]
        indexes = [
            # The analysis' join: subscribers of a service by range of profiles.
            models.Index(fields=["service", "profile"], name="subscription_of_service"),
            # What ends or lapses by its date.
            models.Index(
                fields=["expires_at"],
                name="subscription_by_expiry",
                condition=models.Q(
                    status__in=["pending", "active"], expires_at__isnull=False
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service}: {self.present_label}"

    @property
    def present_label(self) -> str:
        """The status now, in words."""
        return str(self.Status(self.status_at(timezone.now())).label)

    def status_at(self, moment: datetime) -> str:
        """The status at a moment: it expires by its date, not by a job.

        So does a request that waits for its confirmation.
        """
        return self.lapsed(self.status, self.expires_at, moment)

    @classmethod
    def lapsed(cls, status: str, expires_at: datetime | None, moment: datetime) -> str:
        """`status_at` of a row with this status and date."""
        runs = status in (cls.Status.ACTIVE, cls.Status.PENDING)
        return (
            cls.Status.EXPIRED
            if runs and expires_at and expires_at <= moment
            else status
        )
