"""Landing pages: what operators edit, and the immutable versions that visitors see."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import page_checks
from .brands import BACKGROUND, BRAND, TEXT_ON_BRAND, colour
from .page_checks import EXTRA_FIELDS, OWN, all_languages
from .services import Service

__all__ = [
    "EXTRA_FIELDS",
    "OWN",
    "LandingPage",
    "LandingPageVersion",
    "all_languages",
]

_web_address = URLValidator(schemes=["https", "http"])


class LandingPage(models.Model):
    """A page where people opt in and out, as operators edit it (L1, L4).

    Visitors never see this row: they see `live_version`. Only
    `audiences.landing_pages` publishes, unpublishes and deletes.
    """

    class Kind(models.TextChoices):
        ACQUISITION = "acquisition", _("Profile acquisition")
        SUBSCRIPTION = "subscription", _("Subscription")
        UNSUBSCRIPTION = "unsubscription", _("Unsubscription")
        DENYLIST = "denylist", _("Denylist (stop everything)")
        PREFERENCES = "preferences", _("Preferences")

    class ReconciledBy(models.TextChoices):
        EMAIL = "email", _("Email address")
        SMS = "sms", _("Mobile number")
        EXTERNAL_ID = "external_id", _("External id")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        SCHEDULED = "scheduled", _("Scheduled")
        ENDED = "ended", _("Ended")
        UNPUBLISHED = "unpublished", _("Unpublished")

    # Kinds whose visitors opt out: their personal links work for ever.
    OPT_OUT_KINDS = (Kind.UNSUBSCRIPTION, Kind.DENYLIST, Kind.PREFERENCES)
    # Kinds that show check boxes for channels and services.
    CHOICE_KINDS = (Kind.ACQUISITION, Kind.PREFERENCES)
    SIGNUP_KINDS = (Kind.ACQUISITION, Kind.SUBSCRIPTION)
    SERVICE_KINDS = (Kind.SUBSCRIPTION, Kind.UNSUBSCRIPTION)
    # Kinds that opt out by their button alone: no word is needed.
    BUTTON_KINDS = (Kind.UNSUBSCRIPTION, Kind.DENYLIST)

    slug = models.SlugField(
        _("slug"),
        max_length=80,
        unique=True,
        help_text=_("Its address: /p/<slug>/. It stays as it is once published."),
    )
    label = models.CharField(
        _("label"), max_length=150, help_text=_("Its name for operators.")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    service = models.ForeignKey(
        Service,
        verbose_name=_("service"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="landing_pages",
        help_text=_(
            "What people subscribe to or unsubscribe from. Without one, an "
            "unsubscription page does what the link in the message is about."
        ),
    )
    channels = models.JSONField(
        _("channels"),
        default=list,
        blank=True,
        help_text=_("Channels with a check box, in this order."),
    )
    services = models.ManyToManyField(
        Service,
        verbose_name=_("services"),
        blank=True,
        related_name="+",
        help_text=_("Services with a check box."),
    )
    extra_fields = models.JSONField(
        _("extra fields"),
        default=list,
        blank=True,
        help_text=_("Fields of the profile that visitors may fill in."),
    )
    languages = models.JSONField(
        _("languages"),
        default=all_languages,
        help_text=_("Languages of the page; the first is the one for all others."),
    )
    needs_agreement = models.BooleanField(
        _("needs agreement"),
        default=False,
        help_text=_("Visitors must tick the agreement before they opt in."),
    )
    stops_address = models.BooleanField(
        _("stop all messages to this address, also for other profiles"),
        default=False,
        help_text=_(
            "Opting out here also puts the person's addresses on the denylist. "
            "Without it, another profile with the same address still gets messages."
        ),
    )
    allows_unidentified = models.BooleanField(
        _("open to unidentified visitors"),
        default=False,
        help_text=_(
            "People without a personal link may give an address; they get a link there."
        ),
    )
    reconciles_by = models.CharField(
        _("found by"),
        max_length=16,
        choices=ReconciledBy,
        default=ReconciledBy.EMAIL,
        help_text=_("What an unidentified visitor gives, and a profile is found by."),
    )
    updates_profile = models.BooleanField(
        _("replaces details"),
        default=False,
        help_text=_(
            "A confirmed sign-up replaces details that the profile has already; "
            "without it, it only fills in empty ones."
        ),
    )
    opens_at = models.DateTimeField(_("opens"), null=True, blank=True)
    closes_at = models.DateTimeField(
        _("closes"),
        null=True,
        blank=True,
        help_text=_("Personal links with which people opt out go on working."),
    )
    closed_redirect = models.CharField(
        _("afterwards go to"),
        max_length=500,
        blank=True,
        validators=[_web_address],
        help_text=_("A web address for visitors afterwards; empty: the expired text."),
    )
    logo = models.ForeignKey(
        "LandingPageAsset",
        verbose_name=_("logo"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    brand_colour = colour(_("colour of the button"), BRAND)
    text_on_brand = colour(_("colour of the text on the button"), TEXT_ON_BRAND)
    background_colour = colour(_("colour around the page"), BACKGROUND)
    live_version = models.ForeignKey(
        "LandingPageVersion",
        verbose_name=_("published version"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="live_pages",
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("landing page")
        verbose_name_plural = _("landing pages")
        ordering = ["label", "id"]
        permissions = [("publish_landingpage", "Can publish and unpublish pages")]
        constraints = [
            models.CheckConstraint(
                name="landingpage_kind_known",
                violation_error_message=_("This is no kind of landing page."),
                condition=models.Q(
                    kind__in=[
                        "acquisition",
                        "subscription",
                        "unsubscription",
                        "denylist",
                        "preferences",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="landingpage_service_of_kind",
                violation_error_message=_(
                    "Only pages about a service have one; a page to subscribe needs it."
                ),
                condition=models.Q(kind="subscription", service__isnull=False)
                | models.Q(kind="unsubscription")
                | (~models.Q(kind="subscription") & models.Q(service__isnull=True)),
            ),
            models.CheckConstraint(
                name="landingpage_closes_after_opening",
                violation_error_message=_("The page closes before it opens."),
                condition=models.Q(opens_at__isnull=True)
                | models.Q(closes_at__isnull=True)
                | models.Q(closes_at__gt=models.F("opens_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        super().clean()
        errors = page_checks.problems(self)
        if errors:
            raise ValidationError(errors)

    @property
    def may_stop_address(self) -> bool:
        """Whether the page opts out of channels, so that it can stop an address."""
        return self.kind in self.OPT_OUT_KINDS and self.service_id is None

    @property
    def status(self) -> str:
        """Draft, published, scheduled, ended or unpublished, from what is live now."""
        version = self.live_version
        if version is None:
            published = self.pk and self.versions.exists()
            return self.Status.UNPUBLISHED if published else self.Status.DRAFT
        return version.status_at(timezone.now())


class LandingPageVersion(models.Model):
    """What visitors saw: settings, texts and brand of a page when it was published.

    The database refuses to change or delete a row (`audiences.consent.guards`), except
    that the page may go. Consent events name a version as `<slug>/<number>`.
    """

    page = models.ForeignKey(
        LandingPage,
        verbose_name=_("landing page"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="versions",
    )
    page_slug = models.CharField(_("slug"), max_length=80)
    number = models.PositiveIntegerField(_("number"))
    content = models.JSONField(_("content"))
    published_at = models.DateTimeField(_("published"))
    published_by = models.CharField(_("by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("version of a page")
        verbose_name_plural = _("versions of pages")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["page_slug", "number"], name="landingpageversion_number_once"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """How consent events call it."""
        return f"{self.page_slug}/{self.number}"

    def status_at(self, moment: datetime) -> str:
        """Published, scheduled or ended at a moment, by the dates of this version."""
        opens, closes = (
            datetime.fromisoformat(text) if text else None
            for text in (self.content["opens_at"], self.content["closes_at"])
        )
        if opens and moment < opens:
            return LandingPage.Status.SCHEDULED
        if closes and moment >= closes:
            return LandingPage.Status.ENDED
        return LandingPage.Status.PUBLISHED
