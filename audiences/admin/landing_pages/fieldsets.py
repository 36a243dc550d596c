"""The sections of the form of a landing page."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext, gettext_lazy as _

from audiences.admin.landing_pages.forms import COLOURS, text_name
from audiences.landing_pages import changes
from audiences.models import LandingPage


def facts_to_read(page: LandingPage) -> Any:
    """For who may only look: the settings; the preview has the texts."""
    names = ("label", "kind", "public_address", "service", "spoken")
    return ((None, {"fields": (*names, *changes.DATES)}),)


def fieldsets(page: LandingPage) -> Any:
    offers = changes.offers(page.kind)
    sections: list[Any] = [
        (None, {"fields": ("label", "kind", "public_address", "seen_at")})
    ]
    if offers:
        sections.append((_("What it offers"), {"fields": offers}))
    sections.append(
        (
            _("Languages"),
            {"fields": ("languages", "first_language")},
        )
    )
    sections += [_texts(page, code) for code in _languages_of(page)]
    colours = ("logo_now", "logo_upload", *(("remove_logo",) if page.logo_id else ()))
    sections += [
        (_("Brand"), {"fields": (*colours, *COLOURS, "sample")}),
        (
            _("Dates and afterwards"),
            {
                "fields": changes.DATES,
                "description": _(
                    "Without dates the page is open from the moment you publish it."
                ),
            },
        ),
        (_("Who may use it"), {"fields": changes.access(page.kind)}),
    ]
    return tuple(sections)


def _languages_of(page: LandingPage) -> list[str]:
    """The languages of the page first, then those that it does not have yet."""
    every = [code for code, _name in settings.LANGUAGES]
    offered = [code for code in page.languages if code in every]
    return [*offered, *(code for code in every if code not in offered)]


def _texts(page: LandingPage, language: str) -> Any:
    name = changes.language_name(language)
    offered = language in page.languages
    options: dict[str, Any] = {
        "fields": [text_name(language, f) for f in changes.text_fields(page.kind)],
        "classes": ("texts",) if offered else ("texts", "collapse"),
        "description": gettext(
            "What you leave empty is the built-in text, shown in grey."
        ),
    }
    if not offered:
        options["description"] = gettext("Tick this language above to offer it.")
    return gettext("Texts: {language}").format(language=name), options
