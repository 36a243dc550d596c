"""Addresses of the public pages. They never change: messages carry them for ever."""

from django.urls import URLPattern, re_path

from .pages import (
    checkpoints,
    confirming,
    confirming_signups,
    own_data,
    receipts,
    views,
)
from .pages.brand import NAME
from .pages.middleware import View

app_name = "pages"


def _page(address: str, view: View, name: str) -> list[URLPattern]:
    """A page with and without the slash at its end.

    Some mail clients drop the slash, and a POST must not be redirected for it.
    """
    return [re_path(f"^{address}/$", view, name=name), re_path(f"^{address}$", view)]


def _personal(address: str, view: View, name: str) -> list[URLPattern]:
    """The same of a link with a token, whatever is glued to its end: `)`, `&utm_…`."""
    return [*_page(address, view, name), re_path(f"^{address}/", view)]


_SLUG, _TOKEN = r"(?P<slug>[-\w]+)", r"(?P<token>[^/]+)"

urlpatterns = [
    re_path(rf"^p/brand/(?P<name>{NAME})\.css$", views.stylesheet, name="brand"),
    re_path(r"^p/logo/(?P<sha256>[0-9a-f]{64})$", views.logo, name="logo"),
    *_personal(
        rf"u/confirm/{_TOKEN}", confirming.confirm_subscription, "confirm_subscription"
    ),
    *_personal(rf"u/allow/{_TOKEN}", confirming.confirm_channel, "confirm_channel"),
    *_personal(rf"u/address/{_TOKEN}", confirming.confirm_address, "confirm_address"),
    *_personal(rf"u/data/{_TOKEN}", own_data.fetch, "data"),
    *_personal(rf"u/why/{_TOKEN}", receipts.of_one_click, "why"),
    *_personal(rf"u/choose/{_TOKEN}", views.choose, "choose"),
    *_personal(rf"u/everything/{_TOKEN}", views.everything, "everything"),
    *_personal(rf"u/{_TOKEN}", views.one_click, "one_click"),
    *_page("p/your-data", own_data.anybody, "own_data"),
    *_personal(rf"p/your-data/{_TOKEN}", own_data.personal, "own_data_of"),
    *_page(rf"p/{_SLUG}", views.anybody, "anybody"),
    *_personal(
        rf"p/{_SLUG}/confirm/{_TOKEN}",
        confirming_signups.confirm_signup,
        "confirm_signup",
    ),
    *_personal(rf"p/{_SLUG}/why/{_TOKEN}", receipts.of_page, "why_on_page"),
    *_personal(rf"p/{_SLUG}/choose/{_TOKEN}", views.choose, "choose_on_page"),
    *_personal(
        rf"p/{_SLUG}/everything/{_TOKEN}", views.everything, "everything_on_page"
    ),
    *_personal(rf"p/{_SLUG}/{_TOKEN}", views.personal, "personal"),
    *_page("ledger", checkpoints.listed, "ledger"),
    re_path(r"^ledger/checkpoint$", checkpoints.newest, name="newest_checkpoint"),
    re_path(r"^ledger/(?P<size>[0-9]{1,18})$", checkpoints.one, name="checkpoint"),
    re_path(r"^(?:p|u|ledger)/", views.elsewhere),
]
