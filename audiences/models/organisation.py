"""The organisation that sends: what its mails and pages say of it."""

from django.core.validators import URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from .brands import BACKGROUND, BRAND, TEXT_ON_BRAND, colour
from .profiles import LONGEST_TEXT


class Organisation(models.Model):
    """Who writes to people: one row.

    `audiences.organisation` is its only writer.
    """

    THE_ONE = 1

    name = models.CharField(
        _("name"),
        max_length=LONGEST_TEXT,
        blank=True,
        help_text=_("As people know it; mails and pages say it."),
    )
    postal_address = models.TextField(
        _("postal address"),
        blank=True,
        help_text=_("In several lines. Many laws want it in every marketing mail."),
    )
    privacy_url = models.CharField(
        _("privacy statement"),
        max_length=500,
        blank=True,
        validators=[URLValidator(schemes=["https"])],
        help_text=_("The address of its page, such as https://example.org/privacy"),
    )
    contact = models.CharField(
        _("contact"),
        max_length=254,
        blank=True,
        help_text=_("Where people ask questions: an email address or a number."),
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
    languages = models.JSONField(
        _("languages"),
        default=list,
        blank=True,
        help_text=_(
            "Languages of the pages that nobody made, such as those of the links in "
            "mails; none ticked: all. The first is the one for all others."
        ),
    )

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisation")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(id=1),
                name="organisation_only_one",
                violation_error_message=_("There is one organisation: change that."),
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(_("Organisation"))
