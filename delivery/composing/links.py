"""The personal links of a delivery's messages: made ready once, written for each."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from django.conf import settings
from django.urls import reverse

from audiences.links import Link, one_click_url, page_url, prepared, signing
from audiences.links.prepared import Write
from audiences.links.signing import Purpose
from audiences.models import LandingPage
from delivery import deliveries
from delivery.content import VIEW_LINK
from delivery.feedback import return_path
from delivery.models import Delivery

# Links of a test lead to a page that knows nobody: it says so, and nothing happens.
TEST = "test"
# Nobody's id, with as many digits as most.
LARGE = 1_000_000


@dataclass(frozen=True)
class Links:
    """How each link of a delivery is written for a profile.

    `of_places` are those that a message may say, by name. `one_click` and `mailto` are
    those of the header List-Unsubscribe; `mailto` is empty where there is no mailbox.
    """

    of_places: Mapping[str, Write]
    one_click: Write
    mailto: Write
    return_path: Write


def links_of(delivery: Delivery, *, fallback_return_path: str) -> Links:
    """The links of a delivery. They all say that they were made now."""
    link = deliveries.link(delivery, 0)
    fallback = fallback_return_path.encode()
    one_click = prepared.web_address(Purpose.OPT_OUT, one_click_url, link)
    unsubscribe = one_click
    page = delivery.service.unsubscription_page if delivery.service else None
    if page and page.live_version_id:
        unsubscribe = _page(replace(link, page=page.slug, kind=page.kind))
    paths = prepared.mail_address(
        settings.BOUNCE_MAILBOX,
        return_path.SALT,
        lambda profile_id: return_path.token(delivery.pk, profile_id),
    )
    return Links(
        {
            "unsubscribe_link": unsubscribe,
            "preferences_link": _page(_to_preferences(link)),
            VIEW_LINK: prepared.web_address(Purpose.VIEW, view_in_browser_url, link),
        },
        one_click,
        prepared.unsubscribe_address(link),
        lambda profile_id, key: paths(profile_id, key) or fallback,
    )


def links_of_test(delivery: Delivery, *, fallback_return_path: str) -> Links:
    """Links that lead nowhere and change nothing: those of a test."""
    bounces = (settings.BOUNCE_MAILBOX or fallback_return_path).encode()
    nowhere = f"{settings.BASE_URL}/u/{TEST}/".encode()
    return Links(
        {
            "unsubscribe_link": _always(nowhere),
            "preferences_link": _always(nowhere),
            VIEW_LINK: _always(nowhere),
        },
        _always(nowhere),
        _always(b""),
        _always(bounces),
    )


def links_of_draft(delivery: Delivery) -> Links:
    """Links that lead nowhere, each as long as the real one, by which an SMS counts."""
    nowhere = f"{settings.BASE_URL}/u/{TEST}/".encode()
    real = links_of(delivery, fallback_return_path="")

    def as_long(write: Write) -> Write:
        return lambda profile_id, key: nowhere.ljust(
            len(write(profile_id or LARGE, key)), b"0"
        )

    places = {name: as_long(write) for name, write in real.of_places.items()}
    nothing = _always(b"")
    return Links(places, _always(nowhere), nothing, nothing)


def links_of_view(delivery: Delivery, at: int) -> Links:
    """The links of a mail that is shown in the browser, to a link signed at a moment.

    Whoever has that link may be anybody to whom it was passed on. So what is shown
    opens nothing more than it: every link can stop messages, and only that.
    """
    link = deliveries.link(delivery, 0)
    stop = prepared.web_address(Purpose.OPT_OUT, one_click_url, link, at=at)
    view = prepared.web_address(Purpose.VIEW, view_in_browser_url, link, at=at)
    nothing = _always(b"")
    return Links(
        {"unsubscribe_link": stop, "preferences_link": stop, VIEW_LINK: view},
        *(stop, nothing, nothing),
    )


def view_in_browser_url(link: Link) -> str:
    """The address of the page that shows a mail to its recipient."""
    facts = [link.profile_id, link.delivery_id or 0]
    token = signing.sign(Purpose.VIEW, facts)
    return f"{settings.BASE_URL}{reverse('view_in_browser', args=[token])}"


@dataclass(frozen=True)
class Viewed:
    """Which mail to whom a link shows; `signed_at` is in seconds.

    `is_fresh` while it may show facts of the person.
    """

    profile_id: int
    delivery_id: int
    signed_at: int
    is_fresh: bool


def read_view_token(token: str) -> Viewed:
    """What a link to a mail in the browser says; raises BadLink."""
    said = signing.read(Purpose.VIEW, token)
    profile_id, delivery_id = said.facts
    age = timedelta(seconds=time.time() - said.at)
    is_young = age <= timedelta(days=settings.EDIT_LINK_DAYS)
    return Viewed(profile_id, delivery_id, said.at, is_young and said.by_key_of_now)


def _page(link: Link) -> Write:
    """A page that starts messages, too, at the address that the link is sent to."""
    link = replace(link, sent_on=link.channel)
    return prepared.web_address(Purpose.PAGE, page_url, link)


def _always(text: bytes) -> Write:
    return lambda profile_id, key: text


def _to_preferences(link: Link) -> Link:
    """The first preference page that visitors can see, else the built-in one."""
    kind = LandingPage.Kind.PREFERENCES
    pages = LandingPage.objects.filter(kind=kind, live_version__isnull=False)
    page = pages.order_by("pk").first()
    return replace(link, page=page.slug if page else "preferences", kind=kind)
