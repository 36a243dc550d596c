"""A selection: the people in a list, by what operators search and filter for.

It is plain data (names and values, as in a page's address), so that a background task
later selects exactly the same people. The admin's list, bulk changes and the export all
read it here.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy

from audiences import moments, profiles, subscriptions
from audiences.channels import FLAGS, Channel, Scope
from audiences.models import (
    Address,
    AddressStatus,
    Profile,
    ProfileTag,
    Service,
    Subscription,
    Tag,
)
from audiences.moments import midnight
from audiences.profiles import name_search

Chosen = Mapping[str, str]
ON_NO_DENYLIST = "none"
ANY_ADDRESS = "any"
# Ticked one by one instead of filtered.
IDS = "ids"


def opted_out(value: str) -> Q:
    """Profiles with the flag of a channel, with any flag, or with none."""
    if value == ON_NO_DENYLIST:
        return Q(**dict.fromkeys(FLAGS.values(), False))
    return Q(**{FLAGS[Scope(value)]: True})


def address_status(value: str) -> Q:
    """Profiles with an address that has this status in quarantine."""
    marked = Address.objects.filter(quarantine_status=AddressStatus(value))
    # Repeated, so that the index of the few addresses that are not valid is used.
    marked = marked.exclude(quarantine_status=AddressStatus.VALID)
    # DISTINCT: PostgreSQL then reads the index in order, and other filters of these
    # people in the order of their tables, instead of all over them.
    return Q(pk__in=marked.values("profile_id").distinct())


def subscribed_to(value: str) -> Q:
    """Profiles with an active subscription to the service with this slug."""
    service = Service.objects.filter(slug=value).values_list("pk", flat=True).first()
    if service is None:
        raise ValueError(value)
    active = Subscription.objects.filter(
        subscriptions.active(timezone.now()), service_id=service
    )
    return Q(pk__in=active.values("profile_id"))


def without_address(value: str) -> Q:
    """Profiles without an address on a channel, or on any channel."""
    # EXISTS: PostgreSQL cannot turn NOT IN into a join, and reads the set for each row.
    held = Address.objects.filter(profile_id=OuterRef("pk"))
    if value != ANY_ADDRESS:
        held = held.filter(channel=Channel(value), is_primary=True)
    return ~Q(Exists(held))


def tagged(value: str) -> Q:
    """Profiles that have the tag with this slug."""
    tag = Tag.objects.filter(slug=value).values_list("pk", flat=True).first()
    if tag is None:
        raise ValueError(value)
    return Q(pk__in=ProfileTag.objects.filter(tag_id=tag).values("profile_id"))


def language(value: str) -> Q:
    return Q(language=value)


def created_from(value: str) -> Q:
    return Q(created_at__gte=midnight(_day(value)))


def created_to(value: str) -> Q:
    """Created up to the end of the day."""
    return Q(created_at__lt=midnight(_day(value) + timedelta(days=1)))


def chosen_one_by_one(value: str) -> Q:
    return Q(pk__in=[int(number) for number in value.split(",")])


def search(value: str) -> Q:
    """An id, an external id, an address in any notation, or words of a name."""
    text = value.strip()
    # People may type an external id such as P00045 in small letters.
    spellings = {text, text.upper(), text.lower()}
    found = Q(pk__in=set().union(*profiles.find_ids(spellings).values()))
    # A name must not be looked up among ids.
    return (
        found
        if "@" in text or not name_search.words(text)
        else found | name_search.named(text)
    )


def _day(value: str) -> date:
    day = moments.read_day(value)
    if day is None or not date(1900, 1, 1) <= day < date(2200, 1, 1):
        raise ValueError(value)
    return day


FILTERS: dict[str, Callable[[str], Q]] = {
    "q": search,
    "opted_out": opted_out,
    "address_status": address_status,
    "without_address": without_address,
    "service": subscribed_to,
    "language": language,
    "tag": tagged,
    "created_from": created_from,
    "created_to": created_to,
    IDS: chosen_one_by_one,
}
TITLES: dict[str, Any] = {
    "q": gettext_lazy("search"),
    "opted_out": gettext_lazy("no longer contact"),
    "address_status": gettext_lazy("status of an address"),
    "without_address": gettext_lazy("without an address"),
    "service": gettext_lazy("subscribed to"),
    "language": gettext_lazy("language"),
    "tag": gettext_lazy("tag"),
    "created_from": gettext_lazy("created from"),
    "created_to": gettext_lazy("created up to"),
    IDS: gettext_lazy("chosen one by one"),
}


def read(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The selection in the parameters of a list; unknown ones are ignored."""
    return {
        name: str(parameters[name]).strip()
        for name in FILTERS
        if str(parameters.get(name) or "").strip()
    }


def select(chosen: Chosen) -> QuerySet[Profile]:
    """The people of a selection; a meaningless value selects nobody.

    Nobody, not everybody: a bulk change must never reach more people than intended.
    """
    people = Profile.objects.all()
    for name, value in chosen.items():
        try:
            people = people.filter(FILTERS[name](value))
        except (KeyError, ValueError):
            return Profile.objects.none()
    return people


def in_words(chosen: Chosen, services: Mapping[str, str]) -> str:
    """The selection in words, such as "language: nl".

    `services` are labels by slug, which a list reads once for all its rows.
    """
    parts = [
        f"{TITLES[name]}: {_label(name, value, services)}"
        for name, value in chosen.items()
    ]
    return "; ".join(parts) or _("everybody")


def _label(name: str, value: str, services: Mapping[str, str]) -> str:
    labels: dict[str, Any] = {
        "opted_out": {**dict(Scope.choices), ON_NO_DENYLIST: _("on no denylist")},
        "address_status": dict(AddressStatus.choices),
        "without_address": {**dict(Channel.choices), ANY_ADDRESS: _("of any kind")},
        "service": services,
    }
    if name == IDS:
        return str(value.count(",") + 1)
    return str(labels.get(name, {}).get(value, value))
