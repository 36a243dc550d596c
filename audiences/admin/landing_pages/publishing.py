"""Publishing, unpublishing and duplicating a landing page, each after a question."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _, gettext_lazy

from audiences import landing_pages
from audiences.admin.landing_pages.new_forms import CopyForm
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.landing_pages import changes
from audiences.models import LandingPage, LandingPageVersion

PUBLISH = "audiences.publish_landingpage"


def may_publish(request: HttpRequest) -> bool:
    return request.user.has_perm(PUBLISH)


@page(LandingPage, "publish", "view", PUBLISH, title=gettext_lazy("Publish"))
def publish(admin: PlainAdmin, request: HttpRequest, page: LandingPage) -> Answer:
    """What visitors would see differently, and a button that lets them see it."""
    content = landing_pages.snapshot(page)
    problems = _problems(page)
    fingerprint = changes.fingerprint(content)
    is_same = request.POST.get("seen") == fingerprint
    if request.method == "POST" and is_same and not problems:
        return _publish(admin, request, page)
    if request.method == "POST" and not is_same:
        text = _("The page was changed meanwhile. This is what it says now.")
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
    text = _("Version {number} is published: visitors see it now.")
    if page.status == LandingPage.Status.SCHEDULED:
        text = _("Version {number} is published: visitors see it when the page opens.")
    elif page.status == LandingPage.Status.ENDED:
        text = _("Version {number} is published, but the page has ended already.")
    return admin.say_done(request, page, text.format(number=published.version.number))


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
            _("The page offers no channel and no service: there is nothing to choose.")
        )
    starts = page.kind not in LandingPage.OPT_OUT_KINDS
    if starts and not page.allows_unidentified:
        hints.append(_("Only people with a personal link can use it."))
    return hints


@page(
    LandingPage,
    "unpublish",
    "view",
    PUBLISH,
    title=gettext_lazy("Take the page off the site"),
)
def unpublish(admin: PlainAdmin, request: HttpRequest, page: LandingPage) -> Answer:
    """Take the page off the site, after a question."""
    if page.live_version is None:
        messages.info(request, _("The page is not on the site."))
        return admin.go_back(page)
    if request.method == "POST":
        landing_pages.unpublish(page)
        text = _("The page is off the site. Its versions are kept.")
        return admin.say_done(request, page, text)
    return {"page": page, "stops_messages": page.kind in LandingPage.OPT_OUT_KINDS}


@page(LandingPage, "duplicate", "view", "add", title=gettext_lazy("Duplicate"))
def duplicate(admin: PlainAdmin, request: HttpRequest, page: LandingPage) -> Answer:
    """A draft with the same settings, texts and brand, under a name of its own."""
    form = CopyForm(request.POST or None, page=page)
    if request.method == "POST" and form.is_valid() and (copy := form.make()):
        admin.log_addition(request, copy, [{"added": {}}])
        text = _("This is the copy. It is a draft: nobody sees it yet.")
        messages.success(request, text)
        return admin.go_back(copy)
    return {"page": page, "form": form}
