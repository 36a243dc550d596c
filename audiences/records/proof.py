"""Proof of consent for one person (GDPR 7(1)): everything on record about it.

Who changed what, when, how, with which evidence, and the words that the person saw: the
published version of the page as it was, which the database keeps unaltered.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils import timezone

from audiences import consent, landing_pages, wishes
from audiences.channels import FLAGS
from audiences.models import (
    ConsentEvent,
    LandingPage,
    LandingPageText,
    LandingPageVersion,
    Profile,
)
from audiences.records.profiles import (
    event_facts,
    identity,
    subscription_facts,
    wish_facts,
)
from audiences.wording import page_texts


def of(profile: Profile, *, with_device: bool = True) -> dict[str, Any]:
    """The proof as plain data: present state, history, and each wording once.

    The device of the person (IP address, browser) is for those who may see it.
    """
    events = list(consent.events_of(profile.pk).order_by("id"))
    versions = wordings(events)
    subscriptions = profile.subscriptions.select_related("service")
    return {
        "made_at": timezone.now().isoformat(),
        "profile": {
            **identity(profile),
            "addresses": [
                {"channel": a.channel, "address": a.value, "primary": a.is_primary}
                for a in profile.addresses.order_by("channel", "-is_primary", "id")
            ],
        },
        "no_longer_contact": {
            str(scope): getattr(profile, flag) for scope, flag in FLAGS.items()
        },
        "subscriptions": [
            subscription_facts(held, label=held.service.label)
            for held in subscriptions.order_by("service__slug")
        ],
        "wishes": [wish_facts(wish) for wish in wishes.wishes_of(profile.pk)],
        "history": [_event(event, with_device=with_device) for event in events],
        "wordings": _built_in(events)
        | {name: _words(version) for name, version in versions.items()},
    }


def _event(event: ConsentEvent, *, with_device: bool) -> dict[str, Any]:
    facts = event_facts(event)
    if with_device:
        evidence = getattr(event, "evidence", None)
        facts["ip"] = evidence.ip if evidence else None
        facts["user_agent"] = evidence.user_agent if evidence else ""
    return facts


def wordings(events: Iterable[ConsentEvent]) -> dict[str, LandingPageVersion]:
    """The published versions that events name, by that name; one query."""
    named = Q(pk__in=[])
    for name in {event.wording_version for event in events}:
        slug, slash, number = name.rpartition("/")
        if slash and number.isascii() and number.isdigit() and len(number) < 10:
            named |= Q(page_slug=slug, number=int(number))
    return {v.name: v for v in LandingPageVersion.objects.filter(named)}


def _words(version: LandingPageVersion) -> dict[str, Any]:
    return {
        "published_at": version.published_at.isoformat(),
        "published_by": version.published_by,
        "services": [service["label"] for service in version.content["services"]],
        "texts": {
            language: {name: texts[name] for name in LandingPageText.FIELDS}
            for language, texts in version.content["texts"].items()
        },
    }


def _built_in(events: Iterable[ConsentEvent]) -> dict[str, dict[str, Any]]:
    """The wording of built-in pages that events name, if it is still what it was."""
    named = {event.wording_version for event in events}
    present = {landing_pages.built_in_name(kind): kind for kind in LandingPage.Kind}
    return {
        name: {
            "published_at": None,
            "published_by": "",
            "services": [],
            "texts": {
                code: landing_pages.built_in_texts(kind, code)
                for code, _name in page_texts.languages()
            },
        }
        for name, kind in present.items()
        if name in named
    }
