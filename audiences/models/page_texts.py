"""What a landing page says in one language, as operators write it."""

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
