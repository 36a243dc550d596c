"""Messages about subscriptions: what the one that asks to confirm says, and the others.

Only the message that asks to confirm reaches somebody who is opted out (S6). What a
visitor may have typed, such as a name, is in none before the address is confirmed.
`telling` puts them into the outbox.
"""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils import timezone

from audiences import outbox
from audiences.channels import ANY_FLAG, Channel, flag_name
from audiences.consent import Kind
from audiences.landing_pages import ServiceOnPage
from audiences.links import (
    Confirmation,
    Link,
    confirmation_url,
    one_click_url,
    page_url,
)
from audiences.links.headers import unsubscribe_headers
from audiences.links.signing import mark
from audiences.models import (
    Address,
    ConsentEvent,
    OutboxMail,
    Profile,
    Service,
    Subscription,
)
from audiences.outbox import Result, Words
from audiences.wording import page_texts, placeholders as places

Status = Subscription.Status
Confirms = Service.Confirms

_SERVICE_FIELDS = ("service.label", "service.description", "site")
_PROFILE_FIELDS = ("profile.first_name", "profile.last_name")
# What the text of each message may have in its places.
FIELDS: dict[str, tuple[str, ...]] = {
    "request": (*_SERVICE_FIELDS, "link", "days", "unsubscribe_link"),
    "subscribed": (*_SERVICE_FIELDS, *_PROFILE_FIELDS, "unsubscribe_link"),
    "unsubscribed": (*_SERVICE_FIELDS, *_PROFILE_FIELDS),
}


def channel_of(service: Service | ServiceOnPage) -> str:
    """Where its messages go: by SMS for a service on SMS, else by mail."""
    return Channel.SMS if service.channel == Channel.SMS else Channel.EMAIL


def problems(way: str, text: str, *, is_subject: bool = False) -> list[str]:
    """What is wrong with a text of a message, in sentences."""
    found = places.problems(text, FIELDS[way])
    needs_link = way == "request" and not is_subject
    if needs_link and "link" not in places.places(text):
        found.append("Without {{ link }} nobody can confirm.")
    if is_subject and len(text.splitlines()) > 1:
        found.append("A subject is one line.")
    return found


def address_for(profile_id: int, service: Service | ServiceOnPage) -> Address | None:
    """Where its messages to a profile go, if there is such an address."""
    return Address.objects.filter(
        profile_id=profile_id,
        channel=channel_of(service),
        is_primary=True,
        is_valid=True,
    ).first()


def was_asked(profile_id: int, service: Service | ServiceOnPage) -> bool:
    """Whether a message asks, or has asked, to confirm what waits now."""
    address = address_for(profile_id, service)
    held = Subscription.objects.filter(profile=profile_id, service=service.pk).first()
    if address is None or held is None:
        return False
    event_id = last_request(held)
    rows = OutboxMail.objects.filter(kind=OutboxMail.Kind.REQUEST, key=address.key)
    asked = rows.filter(result__in=["", OutboxMail.Result.SENT])
    return any(row.context["event"] == event_id for row in asked)


# ---------------------------------------------------------------- in the worker
_EXPECTED = {
    "request": Status.PENDING,
    "subscribed": Status.ACTIVE,
    "unsubscribed": Status.UNSUBSCRIBED,
}


def write(mail: OutboxMail) -> Words | Result:
    """The words of a message, if what it says is still true."""
    now = timezone.now()
    held = (
        Subscription.objects.filter(
            profile_id=mail.context["profile"], service_id=mail.context["service"]
        )
        .select_related("profile", "service")
        .first()
    )
    if held is None or held.status_at(now) != _EXPECTED[mail.kind]:
        return Result.OUTDATED
    profile = held.profile
    address = address_for(profile.pk, held.service)
    if address is None or (address.channel, address.key) != (mail.channel, mail.key):
        return Result.OUTDATED
    if mail.kind == "request":
        if last_request(held) != mail.context["event"]:
            return Result.OUTDATED
    elif getattr(profile, ANY_FLAG) or getattr(profile, flag_name(mail.channel)):
        return Result.OPTED_OUT
    return words(
        mail.kind,
        profile,
        held.service,
        mail.language or profile.language,
        event_id=mail.context.get("event", 0),
        key=mail.key,
    )


for _kind in ("request", "subscribed", "unsubscribed"):
    outbox.composes(OutboxMail.Kind(_kind))(write)


def last_request(held: Subscription) -> int | None:
    """The event that a pending subscription waits for."""
    requests = ConsentEvent.objects.filter(
        profile_id=held.profile_id,
        channel="",
        service_id=held.service_id,
        kind=Kind.REQUEST,
    )
    return requests.order_by("-id").values_list("pk", flat=True).first()


def words(
    way: str,
    profile: Profile,
    service: Service,
    language: str,
    *,
    event_id: int = 0,
    key: str = "",
) -> Words:
    """What a message of a service says to a profile, all of it in one language.

    The closest to that of the profile; where only other ones have a text, one of these.
    `key` is that of the address that it goes to: its links can only stop without it.
    """
    channel = channel_of(service)
    code, subject, text = _source(
        way, service, outbox.closest_language(language), channel
    )
    link = Link(profile.pk, service.channel, service_id=service.pk)
    sent_to = mark(channel, key) if key else ""
    confirmation = Confirmation(profile.pk, service.pk, event_id, sent_to)
    values = {
        "service.label": service.label_in(code),
        "service.description": service.description_in(code),
        "profile.first_name": profile.first_name,
        "profile.last_name": profile.last_name,
        "site": outbox.site_name(),
        "days": str(settings.PENDING_SUBSCRIPTION_DAYS),
        "link": confirmation_url(confirmation),
        "unsubscribe_link": _unsubscribe_url(
            service, replace(link, sent_on=channel, sent_to=sent_to)
        ),
    }
    if channel == Channel.SMS:
        return Words("", places.fill_text(text, values).removeprefix(": "), code)
    if "unsubscribe_link" in FIELDS[way]:
        given = places.places(text)
        footer = page_texts.text(code, "mails.unsubscribe.text").strip()
        text += "" if "unsubscribe_link" in given else f"\n\n{footer}"
    return Words(
        " ".join(places.fill(subject, values).split()),
        places.fill_markdown(text, values).strip() + "\n",
        code,
        unsubscribe_headers(link),
        button=outbox.button_of(code, f"mails.{way}"),
    )


def _unsubscribe_url(service: Service, link: Link) -> str:
    """The service's own page where there is one, else the built-in one."""
    page = service.unsubscription_page
    if page is None or page.live_version_id is None:
        return one_click_url(link)
    return page_url(replace(link, page=page.slug, kind=page.kind))


def _source(
    way: str, service: Service, code: str, channel: str
) -> tuple[str, str, str]:
    """The language and the templates of subject and text: its own, or built in."""
    own: dict[str, Any] = service.messages.get(way, {})
    if getattr(service, f"{way}_message") == Confirms.CUSTOM and own:
        found = next((c for c in (code, settings.LANGUAGE_CODE) if c in own), "")
        found = found or next(iter(own))
        return found, own[found]["subject"], own[found]["text"]
    return code, *built_in(way, code, channel)


def built_in(way: str, code: str, channel: str) -> tuple[str, str]:
    """The built-in templates of a message: its subject and its text."""
    path = f"{'texts' if channel == Channel.SMS else 'mails'}.{way}"
    text = page_texts.text(code, f"{path}.text").strip()
    return page_texts.text(code, f"{path}.subject"), text
