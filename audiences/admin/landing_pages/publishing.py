"""Making, publishing, unpublishing and duplicating a landing page, after a question."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.utils.text import slugify
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop

from audiences import landing_pages
from audiences.console import errors
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.landing_pages import changes
from audiences.models import LandingPage, LandingPageVersion, Service
from audiences.refusals import Refused, Sentence

Kind = LandingPage.Kind

KIND_SENTENCES = {
    Kind.PREFERENCES: _("People see what they get, and choose channels and services."),
    Kind.UNSUBSCRIPTION: _("People stop one service, or what their message is about."),
    Kind.DENYLIST: _("People stop all messages on every channel, with one button."),
    Kind.SUBSCRIPTION: _("People subscribe to one service."),
    Kind.ACQUISITION: _("New people sign up and choose channels and services."),
}


class NamedForm(forms.Form):
    """A label and a slug; an empty slug is made from the label."""

    label = forms.CharField(
        label=_("Label"),
        max_length=150,
        help_text=_("Its name for you and your colleagues. Visitors never see it."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autofocus": True}),
    )
    slug = forms.SlugField(
        label=_("Slug"),
        max_length=80,
        required=False,
        help_text=_(
            "Its address will be /p/<slug>/, for ever. Empty: made from the label."
        ),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        if "slug" in data and not data["slug"]:
            data["slug"] = free_slug(slugify(data.get("label", "")))
            if data.get("label") and not data["slug"]:
                self.add_error(
                    "slug", _("Write letters a to z, digits and hyphens, such as news.")
                )
        elif data.get("slug") and _is_taken(data["slug"]):
            text = gettext("Another page has this slug. This one is free: {slug}.")
            self.add_error("slug", text.format(slug=free_slug(data["slug"])))

    def make(self) -> LandingPage | None:
        """The new page; None, with errors at the fields, when it cannot be."""
        try:
            return self.write()
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                self.add_error(name if name in self.fields else None, texts)
        except IntegrityError:
            self.add_error("slug", _("Another page got this slug just now."))
        return None

    def write(self) -> LandingPage:
        raise NotImplementedError


def _is_taken(slug: str) -> bool:
    return LandingPage.objects.filter(slug=slug).exists()


def free_slug(wanted: str) -> str:
    """The slug, or with the first number behind it that no page has."""
    wanted = wanted[:74].strip("-")
    taken = set(
        LandingPage.objects.filter(slug__startswith=wanted).values_list(
            "slug", flat=True
        )
    )
    if wanted not in taken:
        return wanted
    return next(s for n in range(2, 10_000) if (s := f"{wanted}-{n}") not in taken)


class NewPageForm(NamedForm):
    """A page from the built-in template of its kind."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[(kind, kind.label) for kind in KIND_SENTENCES],
        widget=forms.RadioSelect,
        initial=Kind.PREFERENCES,
        error_messages={"required": _("Choose what the page is for.")},
    )
    service = forms.ModelChoiceField[Service](
        label=_("Service"),
        queryset=Service.objects.all(),
        required=False,
        empty_label=_("None"),
        help_text=_("Only for subscription and unsubscription pages."),
    )

    field_order = ("kind", "label", "slug", "service")

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        kind, service = data.get("kind"), data.get("service")
        if kind == Kind.SUBSCRIPTION and not service and "service" not in self.errors:
            text = _("Choose what people subscribe to.")
            if not Service.objects.exists():
                text = _("There is no service yet: make one first.")
                none = Refused(text).mended_by("new_service")
                errors.refuse(self, "service", none)
                return
            self.add_error("service", text)
        elif service and kind and kind not in LandingPage.SERVICE_KINDS:
            self.add_error(
                "service", _("A page of this kind has none: choose “None” here.")
            )

    @property
    def cards(self) -> list[dict[str, Any]]:
        """The kinds with a sentence each, for the template."""
        chosen = str(self["kind"].value() or "")
        return [
            {
                "value": kind.value,
                "label": kind.label,
                "sentence": sentence,
                "is_chosen": kind.value == chosen,
                "has_service": kind in LandingPage.SERVICE_KINDS,
            }
            for kind, sentence in KIND_SENTENCES.items()
        ]

    def write(self) -> LandingPage:
        data = self.cleaned_data
        return landing_pages.create(
            data["slug"],
            kind=data["kind"],
            label=data["label"],
            service=data["service"],
        )


class CopyForm(NamedForm):
    """A copy of a page under a name of its own."""

    def __init__(self, *args: Any, page: LandingPage, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label = gettext("{label} (copy)").format(label=page.label)
        self.initial["label"] = label[:150]
        self.page = page

    def write(self) -> LandingPage:
        data = self.cleaned_data
        return landing_pages.duplicate(
            self.page, slug=data["slug"], label=data["label"]
        )


PUBLISH = "audiences.publish_landingpage"


def may_publish(request: HttpRequest) -> bool:
    return request.user.has_perm(PUBLISH)


@page(LandingPage, "publish", "view", PUBLISH, title=_("Publish"))
def publish(admin: PlainAdmin, request: HttpRequest, page: LandingPage) -> Answer:
    """What visitors would see differently, and a button that lets them see it."""
    content = landing_pages.snapshot(page)
    problems = _problems(page)
    fingerprint = changes.fingerprint(content)
    is_same = request.POST.get("seen") == fingerprint
    if request.method == "POST" and is_same and not problems:
        return _publish(admin, request, page)
    if request.method == "POST" and not is_same:
        text = gettext("The page was changed meanwhile. This is what it says now.")
        messages.warning(request, text)
    latest = LandingPageVersion.objects.filter(page_slug=page.slug)
    before = page.live_version or latest.order_by("-number").first()
    return {
        "page": page,
        "before": before,
        "is_live": page.live_version is not None,
        "changes": changes.changes(before.content if before else None, content),
        "problems": problems,
        "hints": _hints(page),
        "seen": fingerprint,
    }


def _publish(
    admin: PlainAdmin, request: HttpRequest, page: LandingPage
) -> HttpResponse:
    published = landing_pages.publish(page, actor=request.user.get_username())
    text = gettext_noop("Version {number} is published: visitors see it now.")
    if page.status == LandingPage.Status.SCHEDULED:
        text = gettext_noop(
            "Version {number} is published: visitors see it when the page opens."
        )
    elif page.status == LandingPage.Status.ENDED:
        text = gettext_noop(
            "Version {number} is published, but the page has ended already."
        )
    said = Sentence(text, {"number": published.version.number})
    return admin.say_done(request, page, said)


def _problems(page: LandingPage) -> list[str]:
    """Why the page cannot be published, each with the name of its field."""
    try:
        page.full_clean()
    except ValidationError as error:
        return [
            f"{changes.label_of(LandingPage, name)}: {' '.join(texts)}"
            if name != "__all__"
            else " ".join(texts)
            for name, texts in error.message_dict.items()
        ]
    return []


def _hints(page: LandingPage) -> list[str]:
    """What is allowed but perhaps not meant."""
    hints = []
    offered = page.channels or page.services.exists()
    if page.kind in LandingPage.CHOICE_KINDS and not offered:
        hints.append(
            gettext(
                "The page offers no channel and no service: there is nothing to choose."
            )
        )
    starts = page.kind not in LandingPage.OPT_OUT_KINDS
    if starts and not page.allows_unidentified:
        hints.append(gettext("Only people with a personal link can use it."))
    return hints


@page(
    LandingPage,
    "unpublish",
    "view",
    PUBLISH,
    title=_("Take the page off the site"),
)
def unpublish(admin: PlainAdmin, request: HttpRequest, page: LandingPage) -> Answer:
    """Take the page off the site, after a question."""
    if page.live_version is None:
        messages.info(request, gettext("The page is not on the site."))
        return admin.go_back(page)
    if request.method == "POST":
        landing_pages.unpublish(page)
        text = gettext_noop("The page is off the site. Its versions are kept.")
        return admin.say_done(request, page, Sentence(text))
    return {"page": page, "stops_messages": page.kind in LandingPage.OPT_OUT_KINDS}


@page(LandingPage, "duplicate", "view", "add", title=_("Duplicate"))
def duplicate(admin: PlainAdmin, request: HttpRequest, page: LandingPage) -> Answer:
    """A draft with the same settings, texts and brand, under a name of its own."""
    form = CopyForm(request.POST or None, page=page)
    if request.method == "POST" and form.is_valid() and (copy := form.make()):
        admin.log_addition(request, copy, [{"added": {}}])
        text = gettext("This is the copy. It is a draft: nobody sees it yet.")
        messages.success(request, text)
        return admin.go_back(copy)
    return {"page": page, "form": form}
