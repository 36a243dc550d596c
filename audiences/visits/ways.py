"""Where the link of a visit leads besides: to the preferences, and to stop everything.

The same link, read for another page: none is made, so none is fresher than the one that
the person has.
"""

from dataclasses import replace

from django.utils import timezone

from audiences.links import Link
from audiences.models import LandingPage
from audiences.visits.visit import closed

Kind = LandingPage.Kind


def to_page_of(kind: str, link: Link) -> Link:
    """The link as it opens the organisation's own page of a kind, else ours."""
    pages = LandingPage.objects.filter(kind=kind, live_version__isnull=False)
    slug = pages.order_by("pk").values_list("slug", flat=True).first() or ""
    return replace(link, page=slug, kind=kind, service_id=None)


def open_preferences(channel: str) -> str:
    """The slug of an open page that mails links to choose about a channel; or ""."""
    pages = LandingPage.objects.filter(
        kind=Kind.PREFERENCES, live_version__isnull=False
    )
    live = pages.order_by("pk").values_list("slug", "live_version__content")
    for slug, content in live:
        is_open = content["allows_unidentified"] and not closed(content, timezone.now())
        if is_open and channel in content["channels"]:
            return str(slug)
    return ""
