"""What operators give a landing page: its texts in one language, and its logo."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from .landing_pages import LandingPage, all_languages


class LandingPageText(models.Model):
    """The texts of a page in one language; an empty one is the built-in text."""

    FIELDS = (
        "title",
        "introduction",
        "button",
        "agreement",
        "confirmation",
        "expired",
    )
    MARKDOWN_FIELDS = ("introduction", "agreement", "confirmation", "expired")

    page = models.ForeignKey(
        LandingPage, on_delete=models.CASCADE, related_name="texts"
    )
    language = models.CharField(_("language"), max_length=10)
    title = models.CharField(_("title"), max_length=150, blank=True)
    introduction = models.TextField(
        _("introduction"),
        blank=True,
        help_text=_(
            "Markdown. {messages} becomes what the page is about, {address} the "
            "masked address."
        ),
    )
    button = models.CharField(_("button"), max_length=60, blank=True)
    agreement = models.TextField(
        _("agreement"), blank=True, help_text=_("Beside the box, as Markdown.")
    )
    confirmation = models.TextField(
        _("confirmation"), blank=True, help_text=_("After the act, as Markdown.")
    )
    expired = models.TextField(
        _("expired"), blank=True, help_text=_("When the page is closed, as Markdown.")
    )

    class Meta:
        verbose_name = _("text of a page")
        verbose_name_plural = _("texts of a page")
        ordering = ["language"]
        constraints = [
            models.UniqueConstraint(
                fields=["page", "language"], name="landingpagetext_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.page_id}: {self.language}"

    def clean(self) -> None:
        super().clean()
        if self.language not in all_languages():
            raise ValidationError(
                {
                    "language": _("Choose from: {values}.").format(
                        values=", ".join(all_languages())
                    )
                }
            )


class LandingPageAsset(models.Model):
    """A logo, kept by the digest of its bytes, so that it never changes.

    `audiences.landing_pages.logos` checks and re-encodes what operators upload.
    """

    sha256 = models.CharField(_("digest"), max_length=64, primary_key=True)
    content_type = models.CharField(_("type"), max_length=20)
    data = models.BinaryField(_("bytes"))
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))
    created_at = models.DateTimeField(_("uploaded"), auto_now_add=True)

    class Meta:
        verbose_name = _("logo")
        verbose_name_plural = _("logos")
        constraints = [
            models.CheckConstraint(
                name="landingpageasset_type_known",
                violation_error_message=_(
                    "This is no type of image that a page can show."
                ),
                condition=models.Q(
                    content_type__in=["image/png", "image/jpeg", "image/webp"]
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.width} x {self.height} ({self.content_type})"
