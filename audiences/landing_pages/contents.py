"""What a version of a page says: everything that its visitors could see, as data."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NotRequired, TypedDict, cast

from audiences.channels import Channel
from audiences.models import LandingPage, LandingPageText, Service
from audiences.models.landing_pages import all_languages
from audiences.models.services import label_of
from audiences.wording import page_texts
from audiences.wording.markdown import to_html


class ServiceFacts(TypedDict):
    """A service as a version keeps it; `texts` only where it has any."""

    id: int
    slug: str
    label: str
    channel: str
    texts: NotRequired[dict[str, dict[str, str]]]


@dataclass(frozen=True)
class ServiceOnPage:
    """What a page knows of a service, which need not exist any more.

    `farewell` is which message follows an unsubscription; empty while nobody knows.
    """

    pk: int
    label: str
    channel: str
    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    farewell: str = ""

    @classmethod
    def of(cls, facts: ServiceFacts) -> "ServiceOnPage":
        """A service as it was when the page was published."""
        return cls(
            facts["id"], facts["label"], facts["channel"], facts.get("texts", {})
        )

    @classmethod
    def now(cls, service: Service) -> "ServiceOnPage":
        return cls(service.pk, service.label, service.channel, service.texts)

    def label_in(self, language: str) -> str:
        """What people read as its name."""
        return label_of(self.label, self.texts, language)

    def about_in(self, language: str) -> str:
        """What is said about it beside its check box, if anything."""
        return self.texts.get(language, {}).get("description", "")


class Brand(TypedDict):
    """The logo, by its digest, and three colours such as #1a56a8."""

    logo: str | None
    brand_colour: str
    text_on_brand: str
    background_colour: str


class Texts(TypedDict):
    """The texts in one language; `html` has those that are Markdown as safe HTML."""

    title: str
    introduction: str
    button: str
    confirmation: str
    expired: str
    agreement: str
    html: dict[str, str]


class Content(TypedDict):
    """A page as its visitors see it. The built-in page of a kind has no slug."""

    slug: str
    kind: str
    service: ServiceFacts | None
    channels: list[str]
    services: list[ServiceFacts]
    extra_fields: list[str]
    languages: list[str]
    needs_agreement: bool
    stops_address: bool
    allows_unidentified: bool
    reconciles_by: str
    # A version may be older than this setting.
    updates_profile: NotRequired[bool]
    opens_at: str | None
    closes_at: str | None
    closed_redirect: str
    brand: Brand
    texts: dict[str, Texts]


def snapshot(page: LandingPage) -> Content:
    """What visitors would see if the page were published now."""
    written = {text.language: text for text in page.texts.all()}
    return _content(page, list(page.services.all()), written)


def built_in_content(kind: str, languages: Sequence[str] = ()) -> Content:
    """What the built-in page of a kind says: for links whose page is gone."""
    channels = list(Channel.values) if kind in LandingPage.CHOICE_KINDS else []
    codes = list(languages) or all_languages()
    return _content(LandingPage(kind=kind, channels=channels, languages=codes), [], {})


def _content(
    page: LandingPage, services: list[Service], written: dict[str, LandingPageText]
) -> Content:
    return {
        "slug": page.slug,
        "kind": page.kind,
        "service": _service_facts(page.service) if page.service else None,
        "channels": list(page.channels),
        "services": [_service_facts(service) for service in services],
        "extra_fields": list(page.extra_fields),
        "languages": list(page.languages),
        "needs_agreement": page.needs_agreement,
        "stops_address": page.stops_address and page.may_stop_address,
        "allows_unidentified": page.allows_unidentified,
        "reconciles_by": page.reconciles_by,
        "updates_profile": page.updates_profile,
        "opens_at": _iso(page.opens_at),
        "closes_at": _iso(page.closes_at),
        "closed_redirect": page.closed_redirect,
        "brand": {
            "logo": page.logo_id,
            "brand_colour": page.brand_colour.lower(),
            "text_on_brand": page.text_on_brand.lower(),
            "background_colour": page.background_colour.lower(),
        },
        "texts": {
            language: _texts(page.kind, language, written.get(language))
            for language in page.languages
        },
    }


@functools.cache
def built_in_name(kind: str) -> str:
    """How consent events name a built-in page: with a digest of its wording."""
    wording = repr([page_texts.texts(code)["kinds"][kind] for code in all_languages()])
    return f"built-in:{kind}/{hashlib.sha256(wording.encode()).hexdigest()[:12]}"


def built_in_texts(kind: str, language: str) -> dict[str, str]:
    """The texts that a page of the kind has until somebody writes others."""
    found = page_texts.texts(language)["kinds"][kind]
    return {name: str(found[name]) for name in LandingPageText.FIELDS}


def _texts(kind: str, language: str, written: LandingPageText | None) -> Texts:
    """Texts with the built-in ones for the empty; Markdown also as safe HTML."""
    texts = built_in_texts(kind, language)
    for name in LandingPageText.FIELDS:
        own = getattr(written, name, "").strip()
        if own:
            texts[name] = own
    html = {name: to_html(texts[name]) for name in LandingPageText.MARKDOWN_FIELDS}
    return cast(Texts, {**texts, "html": html})


def _service_facts(service: Service) -> ServiceFacts:
    """A service as a version keeps it."""
    facts = ServiceFacts(
        id=service.pk,
        slug=service.slug,
        label=service.label,
        channel=service.channel,
    )
    if service.texts:  # else a version of before stays as it was
        facts["texts"] = service.texts
    return facts


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
