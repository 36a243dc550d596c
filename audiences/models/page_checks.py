"""Whether a landing page is complete and can work, as operators are told."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel
from audiences.wording.colours import LEAST_CONTRAST, contrast

from .fields import OwnField

if TYPE_CHECKING:
    from .landing_pages import LandingPage

# Names that the addresses of public pages use themselves.
RESERVED_SLUGS = ("brand", "logo", "your-data")
EXTRA_FIELDS = ("first_name", "last_name", "language", "country")
# An own field among the extra ones: `own:` and its slug.
OWN = "own:"


def all_languages() -> list[str]:
    """The codes of every language that the public pages speak."""
    return [code for code, _name in settings.LANGUAGES]


def problems(page: "LandingPage") -> dict[str, Any]:
    """What is wrong, by the field where it is to be mended."""
    errors: dict[str, Any] = {}
    if page.slug in RESERVED_SLUGS:
        errors["slug"] = _("This name is taken by the site.")
    _check_lists(page, errors)
    _check_service(page, errors)
    _check_colours(page, errors)
    if page.opens_at and page.closes_at and page.closes_at <= page.opens_at:
        errors["closes_at"] = _("It must close after it opens.")
    if page.stops_address and not page.may_stop_address:
        errors["stops_address"] = _(
            "Only a page that opts people out of a channel can do this."
        )
    return errors


def _check_lists(page: "LandingPage", errors: dict[str, Any]) -> None:
    known: dict[str, list[str] | tuple[str, ...]] = {
        "channels": Channel.values,
        "extra_fields": [*EXTRA_FIELDS, *_own_fields(page)],
        "languages": all_languages(),
    }
    for name, values in known.items():
        given = getattr(page, name)
        if not isinstance(given, list) or any(v not in values for v in given):
            errors[name] = _("Choose from: {values}.").format(values=", ".join(values))
        elif len(set(given)) != len(given):
            errors[name] = _("Each may be there once.")
    if not page.languages:
        errors["languages"] = _("A page needs a language.")


def _own_fields(page: "LandingPage") -> list[str]:
    """Those that a sign-up page may ask for, and those that it asks for already."""
    if page.kind not in page.SIGNUP_KINDS:
        return []
    editable = OwnField.objects.filter(is_editable=True)
    given = page.extra_fields if isinstance(page.extra_fields, list) else []
    kept = [str(name) for name in given if str(name).startswith(OWN)]
    slugs = editable.values_list("slug", flat=True)
    return [*(OWN + slug for slug in slugs), *kept]


def _check_service(page: "LandingPage", errors: dict[str, Any]) -> None:
    if page.kind == page.Kind.SUBSCRIPTION and not page.service_id:
        errors["service"] = _("Choose what people subscribe to.")
    elif page.service_id and page.kind not in page.SERVICE_KINDS:
        errors["service"] = _("Only (un)subscription pages have a service.")


def _check_colours(page: "LandingPage", errors: dict[str, Any]) -> None:
    try:
        ratio = contrast(page.brand_colour, page.text_on_brand)
    except ValueError:
        return  # the validators say so at the field
    if ratio < LEAST_CONTRAST:
        errors["text_on_brand"] = _(
            "The contrast with the button is {ratio}; it must be at least {least} "
            "(WCAG 2.2, 1.4.3)."
        ).format(ratio=f"{ratio:.1f}", least=LEAST_CONTRAST)
