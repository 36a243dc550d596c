"""Landing pages: the only writer of pages' lives (L6).

Editing changes the page; publishing makes an immutable version, and visitors see
versions only. Publishing an unchanged page makes no new version.
"""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from audiences.channels import Channel
from audiences.landing_pages.contents import snapshot
from audiences.models import LandingPage, LandingPageVersion, Service
from audiences.refusals import Refused

Kind = LandingPage.Kind


class NoSuchPage(Refused):
    """No page has the slug."""


@dataclass(frozen=True)
class Published:
    """The version that is live now, and whether publishing made it."""

    version: LandingPageVersion
    is_new: bool


def find(slug: str) -> LandingPage:
    """The page with a slug; raises NoSuchPage that lists the pages."""
    page = LandingPage.objects.filter(slug=slug).first()
    if page is None:
        slugs = LandingPage.objects.order_by("slug").values_list("slug", flat=True)
        known = ", ".join(slugs)
        raise NoSuchPage(
            f"There is no page {slug!r}. "
            + (f"There are: {known}." if known else "Make one with create_page.")
        )
    return page


def create(
    slug: str, *, kind: str, label: str = "", service: Service | None = None
) -> LandingPage:
    """Make a page from the built-in template of its kind; it is a draft.

    It works as it is: texts are the built-in ones until somebody writes others. A kind
    with check boxes offers every channel and, unless `service` is given, every
    service. Raises ValidationError.
    """
    has_choices = kind in LandingPage.CHOICE_KINDS
    page = LandingPage(
        slug=slug,
        label=label or _template_label(kind, service),
        kind=kind,
        service=None if has_choices else service,
        channels=list(Channel.values) if has_choices else [],
        allows_unidentified=True,
    )
    with transaction.atomic():
        page.full_clean()
        page.save()
        if has_choices:
            page.services.set([service] if service else Service.objects.all())
    return page


def _template_label(kind: str, service: Service | None) -> str:
    label = str(Kind(kind).label) if kind in Kind.values else kind
    return f"{label}: {service.label}"[:150] if service else label


def duplicate(page: LandingPage, *, slug: str, label: str) -> LandingPage:
    """A draft with the settings, texts and brand of another page."""
    copy = LandingPage.objects.get(pk=page.pk)
    copy.pk, copy._state.adding = None, True
    copy.slug, copy.label, copy.live_version = slug, label, None
    with transaction.atomic():
        copy.full_clean()
        copy.save()
        copy.services.set(page.services.all())
        for text in page.texts.all():
            text.pk, text._state.adding, text.page = None, True, copy
            text.save()
    return copy


def publish(page: LandingPage, *, actor: str = "") -> Published:
    """Let visitors see the page as it is now, as an immutable version.

    A page that is as one of its versions was last makes no new one. Raises
    ValidationError when the page is not complete.
    """
    with transaction.atomic():
        locked = LandingPage.objects.select_for_update(of=("self",)).get(pk=page.pk)
        locked.full_clean()
        content = snapshot(locked)
        versions = LandingPageVersion.objects.filter(page_slug=locked.slug)
        # The latest under this name, also of a page that was deleted.
        version = versions.order_by("-number").first()
        is_new = version is None or version.content != content
        if version is None or is_new:
            version = LandingPageVersion.objects.create(
                page=locked,
                page_slug=locked.slug,
                number=version.number + 1 if version else 1,
                content=content,
                published_at=timezone.now(),
                published_by=actor,
            )
        _set_live(locked, version)
    page.live_version = version
    return Published(version, is_new)


def unpublish(page: LandingPage) -> None:
    """Take the page off the site. Personal links go on opting out."""
    _set_live(page, None)
    page.live_version = None


def _set_live(page: LandingPage, version: LandingPageVersion | None) -> None:
    LandingPage.objects.filter(pk=page.pk).update(live_version=version)


def delete(page: LandingPage) -> None:
    """Delete the page. Its versions stay, because consent refers to them."""
    with transaction.atomic():
        LandingPage.objects.select_for_update(of=("self",)).get(pk=page.pk)
        LandingPage.objects.filter(pk=page.pk).delete()


def live(slug: str) -> LandingPageVersion | None:
    """The version that visitors of a page see, whatever its dates."""
    return LandingPageVersion.objects.filter(live_pages__slug=slug).first()


def has_unpublished_changes(page: LandingPage) -> bool:
    """Whether publishing now would show visitors something else."""
    live_version = page.live_version
    return live_version is None or live_version.content != snapshot(page)
