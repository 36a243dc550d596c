"""Where the link of a visit leads besides: to the preferences, and to stop everything.

The same link, read for another page: none is made, so none is fresher than the one that
the person has.
"""

from dataclasses import replace

from audiences.links import Link
from audiences.models import LandingPage

Kind = LandingPage.Kind


def to_page_of(kind: str, link: Link) -> Link:
    """The link as it opens the organisation's own page of a kind, else ours."""
    pages = LandingPage.objects.filter(kind=kind, live_version__isnull=False)
    slug = pages.order_by("pk").values_list("slug", flat=True).first() or ""
    return replace(link, page=slug, kind=kind, service_id=None)
