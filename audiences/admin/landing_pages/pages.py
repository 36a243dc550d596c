"""Landing pages in the admin: the list, a new page, and editing its draft.

What visitors see changes only when somebody publishes (`publishing`).
"""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _

from audiences import landing_pages
from audiences.admin.landing_pages import panels, publishing as lives
from audiences.admin.landing_pages.forms import LandingPageForm
from audiences.admin.landing_pages.publishing import NewPageForm
from audiences.console.pages import Facts, PlainAdmin
from audiences.landing_pages import changes
from audiences.models import LandingPage, LandingPageVersion
from audiences.wording.colours import LEAST_CONTRAST, contrast

Status = LandingPage.Status


class StatusFilter(admin.SimpleListFilter):
    """By the status that follows from what is live now."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Status.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value not in Status.values:
            return queryset
        if value in (Status.DRAFT, Status.UNPUBLISHED):
            own = LandingPageVersion.objects.filter(page=OuterRef("pk"))
            was_published = Exists(own)
            wanted = was_published if value == Status.UNPUBLISHED else ~was_published
            return queryset.filter(wanted, live_version=None)
        now = timezone.now()
        live = LandingPageVersion.objects.filter(live_pages__isnull=False)
        found = [v.pk for v in live if v.status_at(now) == value]
        return queryset.filter(live_version__in=found)


@admin.register(LandingPage)
class LandingPageAdmin(PlainAdmin):
    """Operators edit drafts; who may publish is a permission of its own."""

    form = LandingPageForm
    list_display = ("label", "status_now", "kind", "address", "spoken")
    list_filter = (StatusFilter, "kind", "service")
    list_select_related = ("service", "live_version")
    list_per_page = 25
    page_related = ("service", "live_version", "logo")
    search_fields = ("label", "slug")
    search_help_text = _("A part of the label or of the address.")
    actions = None

    class Media:
        js = ("audiences/landing-pages.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LandingPage]:
        rows: QuerySet[LandingPage] = super().get_queryset(request)
        own = LandingPageVersion.objects.filter(page=OuterRef("pk"))
        rows = rows.annotate(was_published=Exists(own))
        return rows.prefetch_related("texts", "services")

    # ------------------------------------------------------------------ the list
    @admin.display(description=_("status"))
    def status_now(self, page: Any) -> SafeString:
        if page.live_version is None:
            status = Status.UNPUBLISHED if page.was_published else Status.DRAFT
        else:
            status = Status(page.status)
        mark = format_html(
            '<span class="mark life-{}">{}</span>', status.value, status.label
        )
        if page.live_version and landing_pages.has_unpublished_changes(page):
            extra = gettext("unpublished changes")
            return format_html('{} <span class="mark changed">{}</span>', mark, extra)
        return mark

    @admin.display(description=_("public address"), ordering="slug")
    def address(self, page: LandingPage) -> str | SafeString:
        url = reverse("pages:anybody", args=[page.slug])
        if page.live_version is None:
            return url
        return format_html('<a href="{}">{}</a>', url, url)

    @admin.display(description=_("public address"))
    def public_address(self, page: LandingPage) -> str | SafeString:
        return panels.address_of(page)

    @admin.display(description=_("languages"))
    def spoken(self, page: LandingPage) -> str:
        return ", ".join(changes.language_name(code) for code in page.languages)

    # ------------------------------------------------------------------ the form
    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The texts of each language are fields that the form itself adds."""
        kwargs["fields"] = LandingPageForm.Meta.fields
        return super().get_form(request, obj, change, **kwargs)

    def get_readonly_fields(
        self, request: HttpRequest, obj: LandingPage | None = None
    ) -> tuple[str, ...]:
        return ("kind", "public_address", "logo_now", "sample", "spoken")

    def get_fieldsets(
        self, request: HttpRequest, obj: LandingPage | None = None
    ) -> Any:
        if obj is None:
            return ()
        if not self.has_change_permission(request, obj):
            return panels.facts_to_read(obj)
        return panels.fieldsets(obj)

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Nobody deletes or edits a service by a slip from here."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and hasattr(field.widget, "can_delete_related"):
            field.widget.can_delete_related = field.widget.can_change_related = False
            field.widget.can_add_related = field.widget.can_view_related = False
        return field

    @admin.display(description=_("logo"))
    def logo_now(self, page: LandingPage) -> str | SafeString:
        if not page.logo:
            return gettext("none")
        return format_html(
            '<img class="logo-now" src="{}" width="{}" height="{}" alt="{}">',
            reverse("pages:logo", args=[page.logo_id]),
            *_fitting(page.logo.width, page.logo.height),
            gettext("The present logo"),
        )

    @admin.display(description=_("how it looks"))
    def sample(self, page: LandingPage) -> str | SafeString:
        """A button in the colours, and whether people can read it."""
        try:
            ratio = contrast(page.brand_colour, page.text_on_brand)
        except ValueError:
            return gettext("Correct the colours first.")
        verdict = gettext("easy to read") if ratio >= LEAST_CONTRAST else gettext("no")
        return format_html(
            '<span class="sample" data-least="{}" data-good="{}" data-bad="{}">'
            '<svg width="180" height="64" role="img" aria-label="{}">'
            '<rect class="around" width="180" height="64" rx="6" fill="{}"></rect>'
            '<rect class="on-brand" x="20" y="14" width="140" height="36" rx="6" '
            'fill="{}"></rect><text x="90" y="37" text-anchor="middle" fill="{}">{}'
            "</text></svg> "
            "<output>{}</output></span>",
            LEAST_CONTRAST,
            gettext("Contrast {ratio} to 1: easy to read."),
            gettext(
                "Contrast {ratio} to 1: too little, {least} is needed. "
                "Choose a darker button or a lighter text, or the other way round."
            ),
            gettext("A button in these colours"),
            page.background_colour,
            page.brand_colour,
            page.text_on_brand,
            gettext("Button"),
            gettext("Contrast {ratio} to 1: {verdict}.").format(
                ratio=f"{ratio:.1f}", verdict=verdict
            ),
        )

    # ------------------------------------------------------------------ writing
    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A page from a built-in template: choose a kind, and give it a name."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewPageForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and (page := form.make()):
            self.log_addition(request, page, [{"added": {}}])
            text = gettext(
                "The page is made, and it works as it is. Change what you like, look "
                "at the preview, then publish it."
            )
            messages.success(request, text)
            return self.go_back(page)
        return self.respond(
            request,
            "admin/audiences/landingpage/new.html",
            title=gettext("A new landing page"),
            form=form,
        )

    def beside(self, request: HttpRequest, row: LandingPage) -> Facts:
        facts = panels.context(request, row)
        return facts | {"show_save_and_add_another": False}

    def response_change(self, request: HttpRequest, obj: LandingPage) -> HttpResponse:
        """Saved; on to the preview or to publishing when that was the button."""
        for name in ("preview", "publish"):
            if f"_{name}" in request.POST:
                messages.success(request, gettext("The draft is saved."))
                return redirect(f"admin:audiences_landingpage_{name}", obj.pk)
        return super().response_change(request, obj)

    # ------------------------------------------------------------------ deleting
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deleting a page that is live takes it off the site: a publisher's task."""
        may = super().has_delete_permission(request, obj)
        return may and (
            obj is None or obj.live_version_id is None or lives.may_publish(request)
        )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Only the draft goes. Versions stay, so they are not listed."""
        lacking = {
            str(page._meta.verbose_name)
            for page in objs
            if not self.has_delete_permission(request, page)
        }
        return [str(o) for o in objs], {_("landing pages"): len(objs)}, lacking, []

    def delete_model(self, request: HttpRequest, obj: LandingPage) -> None:
        landing_pages.delete(obj)

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        page = self.get_object(request, object_id)
        context = extra_context or {}
        if page:
            context |= {
                "versions": LandingPageVersion.objects.filter(page=page).count(),
                "is_live": page.live_version_id is not None,
                "stops_messages": page.kind in LandingPage.OPT_OUT_KINDS,
            }
        return super().delete_view(request, object_id, context)


def _fitting(width: int, height: int) -> tuple[int, int]:
    """The size of a picture in a box of 240 by 80."""
    scale = min(1.0, 240 / width, 80 / height)
    return max(1, round(width * scale)), max(1, round(height * scale))
