"""Pages, links and visitors for the tests of the public pages."""

import re
from html import unescape
from typing import Any

from django.http import HttpResponse
from django.test import Client

from audiences import landing_pages, links
from audiences.links import Link, web_addresses
from audiences.models import ConsentEvent, LandingPage, Profile, Service, Subscription
from audiences.wording import page_texts

PHONE = "Mozilla/5.0 (Android 16; Mobile)"


def page(kind: str, slug: str = "", **facts: Any) -> LandingPage:
    """A published page of a kind; `service` and other settings as given."""
    service = facts.pop("service", None)
    services = facts.pop("services", None)
    made = landing_pages.create(slug or kind, kind=kind, service=service)
    for name, value in facts.items():
        setattr(made, name, value)
    made.save()
    if services is not None:
        made.services.set(services)
    landing_pages.publish(made)
    return made


def path_to(
    made: LandingPage, profile: Profile, *, sent_on: str = "email", **facts: Any
) -> str:
    """The path of a personal link to a page, sent to the primary email address."""
    if made.service and made.kind != "subscription":
        facts.setdefault("service_id", made.service.pk)
    link = Link(profile.pk, page=made.slug, kind=made.kind, **facts)
    rows = profile.addresses.filter(channel=sent_on, is_primary=True, is_valid=True)
    if address := rows.first():
        link = web_addresses.sent(link, sent_on, address.key)
    return f"/p/{made.slug}/{web_addresses.page_token(link)}/"


def one_click_path(profile: Profile, **facts: Any) -> str:
    return f"/u/{links.opt_out_token(Link(profile.pk, **facts))}/"


class Tab(Client):
    """A tab of a browser: after a form it goes where the answer leads, by a GET."""

    def post(self, *args: Any, **kwargs: Any) -> Any:
        answer = super().post(*args, **kwargs)
        if answer.status_code != 303:
            return answer
        secure = kwargs.get("secure", False)
        return self.get(answer["Location"], secure=secure)


def browser(**headers: str) -> Client:
    given = {"User-Agent": PHONE, "Accept-Language": "en"} | headers
    return Tab(headers=given, enforce_csrf_checks=True)


def words(response: HttpResponse) -> str:
    """What a page says, without its tags."""
    html = response.content.decode()
    body = html[html.index("<body") :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def said(path: str, language: str = "en", **values: object) -> str:
    """One of the built-in texts of the pages."""
    return page_texts.text(language, path, **values)


def undo_of(response: HttpResponse) -> str:
    found = re.search(r'name="undo" value="([^"]+)"', response.content.decode())
    return found[1] if found else ""


def ticked(response: HttpResponse) -> set[str]:
    """The values of the boxes that a page shows as ticked."""
    boxes = re.findall(r"<input[^>]*checkbox[^>]*>", response.content.decode())
    return {
        found[1]
        for box in boxes
        if "checked" in box.replace('type="checkbox"', "")
        and (found := re.search(r'value="([^"]*)"', box))
    }


def flags(profile: Profile) -> set[str]:
    """The scopes that a profile is opted out of, as the database says now."""
    profile.refresh_from_db()
    return {
        name.removeprefix("no_longer_contact").lstrip("_") or "any"
        for name in vars(profile)
        if name.startswith("no_longer_contact") and getattr(profile, name)
    }


def subscriptions_of(profile: Profile) -> set[str]:
    rows = Subscription.objects.filter(profile=profile, status="active")
    return set(rows.values_list("service__slug", flat=True))


def history(profile: Profile) -> list[tuple[str, str]]:
    """The events of a profile, oldest first: what, and about what."""
    events = ConsentEvent.objects.filter(profile=profile).order_by("id")
    return [
        (event.kind, event.channel or event.service.slug)  # type: ignore[union-attr]
        for event in events.select_related("service")
    ]


def news(channel: str = "email", slug: str = "news") -> Service:
    return Service.objects.create(slug=slug, label=slug.title(), channel=channel)
