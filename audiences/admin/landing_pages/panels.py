"""What the page of a landing page shows: its life, versions and twins, its sections."""

from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _, ngettext

from audiences import landing_pages
from audiences.admin.landing_pages.forms import COLOURS, text_name
from audiences.admin.landing_pages.publishing import may_publish
from audiences.console.numbers import grouped
from audiences.console.pages import Facts
from audiences.landing_pages import changes
from audiences.models import Address, LandingPage, LandingPageVersion

Status = LandingPage.Status
SHOWN_VERSIONS = 5
COUNTED_TWINS = 100_000
KEPT_SECONDS = 600


def context(request: HttpRequest, page: LandingPage) -> Facts:
    """The life of a page, its newest versions, and a notice about twins."""
    versions = LandingPageVersion.objects.filter(page_slug=page.slug).order_by(
        "-number"
    )
    every = reverse("admin:audiences_landingpageversion_changelist")
    return {
        "life": life_of(request, page),
        "versions": versions[:SHOWN_VERSIONS],
        "versions_url": f"{every}?q={page.slug}",
        "twins": twins_notice(page),
    }


def life_of(request: HttpRequest, page: LandingPage) -> Facts:
    """Where a page is between draft and end, in words, and what can be done."""
    status, may = page.status, may_publish(request)
    has_changes = landing_pages.has_unpublished_changes(page)
    return {
        "status": status,
        "label": str(Status(status).label),
        "sentence": _sentence(page, status, has_changes=has_changes),
        "has_changes": has_changes,
        "may_publish": may,
        "offers_publishing": may and has_changes,
        "offers_unpublishing": may and page.live_version is not None,
        "address": address_of(page),
        "version": page.live_version,
    }


def _sentence(page: LandingPage, status: str, *, has_changes: bool) -> str:
    version = page.live_version
    if version is None and status == Status.DRAFT:
        return _("Nobody sees this page yet. Look at the preview, then publish it.")
    if version is None:
        return _(
            "Nobody sees this page any more. Publish it to put it back on the site."
        )
    when = date_format(timezone.localtime(version.published_at), "DATETIME_FORMAT")
    words = {
        Status.SCHEDULED: _("Visitors will see version {number} when the page opens."),
        Status.ENDED: _("The page has ended: visitors see what comes afterwards."),
        Status.PUBLISHED: _("Since {when}, visitors see version {number}."),
    }[Status(status)]
    if has_changes:
        words += " " + _("They do not see what was changed since: publish it.")
    return words.format(number=version.number, when=when)


def address_of(page: LandingPage) -> str | SafeString:
    """The public address; a link once there is something to see."""
    path = reverse("pages:anybody", args=[page.slug])
    url = f"{settings.BASE_URL}{path}"
    if page.live_version_id is None:
        return url
    return format_html('<a href="{}">{}</a>', url, url)


# ---------------------------------------------------------------- twins (P4)
def twins_notice(page: LandingPage) -> str:
    """What an opt-out here leaves, when other profiles have the same address."""
    if page.stops_address or not page.may_stop_address:
        return ""
    count = shared_addresses()
    if not count:
        return ""
    amount = grouped(count) if count <= COUNTED_TWINS else f"{grouped(COUNTED_TWINS)}+"
    belong = ngettext(
        "{amount} address belongs to more than one profile.",
        "{amount} addresses belong to more than one profile.",
        count,
    ).format(amount=amount)
    rule = _(
        "Who opts out here stops the messages to one profile; the others go on "
        "getting them at the same address. To stop those too, tick “Stop all messages "
        "to this address” under “Who may use it”: then the opt-out also puts the "
        "address on the denylist."
    )
    return f"{belong} {rule}"


def shared_addresses() -> int:
    """How many addresses several profiles have, up to a bound; some minutes old."""
    return int(
        cache.get_or_set("audiences.shared_addresses", _count_shared, KEPT_SECONDS) or 0
    )


def _count_shared() -> int:
    valid = Address.objects.filter(is_valid=True)
    holders = valid.order_by("channel", "key").values("channel", "key")
    shared = holders.annotate(holders=Count("profile")).filter(holders__gt=1)
    return shared[: COUNTED_TWINS + 1].count()


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
        "description": _("What you leave empty is the built-in text, shown in grey."),
    }
    if not offered:
        options["description"] = _("Tick this language above to offer it.")
    return _("Texts: {language}").format(language=name), options
