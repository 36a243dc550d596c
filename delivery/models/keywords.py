"""The words that recipients text back: what each does, and the reply that it gets."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


class Keyword(models.Model):
    """One keyword in one language (F4); a whole message counts, never a part of one."""

    class Action(models.TextChoices):
        """What a text message does. The codes are public."""

        OPT_OUT = "opt_out", _("Stop: deny the number")
        OPT_IN = "opt_in", _("Start: undo a stop")
        HELP = "help", _("Help: answer")
        REVIEW = "review", _("Unclear: hold the number, a person decides")
        NONE = "none", _("Nothing")

    keyword = models.CharField(
        _("keyword"),
        max_length=50,
        help_text=_(
            "Letter case, accents, spaces and punctuation do not matter. Only a "
            "message that is nothing but the keyword counts."
        ),
    )
    language = models.CharField(
        _("language"), max_length=8, help_text=_("A language code such as nl.")
    )
    action = models.CharField(_("action"), max_length=8, choices=Action)
    reply = models.TextField(
        _("reply"),
        blank=True,
        max_length=480,
        help_text=_(
            "What the sender gets back, once. No marketing. Empty: no reply. A "
            "recipient whose language is known gets the reply of that language."
        ),
    )
    short_code = models.CharField(
        _("short code"),
        max_length=20,
        blank=True,
        help_text=_(
            "The number of yours that it counts for, as the provider writes it. Empty: "
            "all your numbers; a row for a number comes before a row for all."
        ),
    )
    regions = models.CharField(
        _("countries"),
        max_length=100,
        blank=True,
        help_text=_(
            "Codes such as TR or NL, with commas: only from numbers of these "
            "countries; from elsewhere a person decides. Empty: all countries."
        ),
    )
    is_active = models.BooleanField(_("active"), default=True)
    is_built_in = models.BooleanField(
        _("built in"),
        default=False,
        editable=False,
        help_text=_("It came with Campaign: switch it off instead of deleting it."),
    )

    class Meta:
        verbose_name = _("keyword")
        verbose_name_plural = _("keywords")
        ordering = ["language", "action", "keyword"]
        constraints = [
            models.UniqueConstraint(
                fields=["keyword", "language", "short_code"], name="keyword_once"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    action__in=["opt_out", "opt_in", "help", "review", "none"]
                ),
                name="keyword_action_known",
                violation_error_message=_("This is nothing that a keyword can do."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.keyword} ({self.language})"

    def clean(self) -> None:
        """Countries are two letters each."""
        codes = self.region_codes()
        if any(len(code) != 2 or not code.isalpha() for code in codes):
            raise ValidationError(
                {"regions": _("Write two letters for each country, such as TR, NL.")}
            )
        self.regions = ", ".join(codes)

    def region_codes(self) -> list[str]:
        """The countries of the row; empty means all."""
        return [
            code.strip().upper() for code in self.regions.split(",") if code.strip()
        ]
