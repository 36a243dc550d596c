"""Files of landing pages: logos."""

from django.db import models
from django.utils.translation import gettext_lazy as _


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
                condition=models.Q(
                    content_type__in=["image/png", "image/jpeg", "image/webp"]
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.width} x {self.height} ({self.content_type})"
