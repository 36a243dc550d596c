"""Deliveries and their analyses in the admin."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _

from audiences.admin.audiences import TagFilter
from audiences.console.exact import ExactList
from audiences.console.numbers import grouped, percentage
from audiences.console.pages import Facts, PlainAdmin
from delivery import approvals, deliveries
from delivery.analysis.usual import share_of
from delivery.models import Analysis, Delivery
from delivery.roles import SKIP_DENYLIST
from delivery.sending import standing
from delivery.sending.standing import Standing

from . import meanwhile, steps
from .delivery_form import DeliveryForm

FIELDSETS = (
    (
        _("Delivery"),
        ("label", "channel", "purpose", "purpose_note", "contact_date", "tags"),
    ),
    (_("Audience"), ("audience", "service")),
)
PREPARATION = ("state", "dated", "to_deliver", "excluded", "created_at")


class DeliveryList(ExactList):
    """The list knows of each delivery on its page how it stands."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        found = standing.of_all(rows)
        for delivery in rows:
            delivery.standing = found[delivery.pk]
        self.result_list = rows


@admin.register(Delivery)
class DeliveryAdmin(PlainAdmin):
    """A delivery whose messages were handed over stands: no change, no deletion."""

    form = DeliveryForm
    change_form_template = "admin/delivery/delivery/change_form.html"
    add_form_template = change_form_template
    list_display = (
        *("label", "state", "dated", "to_deliver", "excluded"),
        *("channel", "audience"),
    )
    list_filter = ("channel", "purpose", "service", TagFilter)
    list_select_related = ("audience",)
    list_per_page = 50
    page_related = ("audience", "service")
    search_fields = ("label",)
    search_help_text = _("A part of the label.")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DeliveryList

    def get_fieldsets(self, request: HttpRequest, obj: Delivery | None = None) -> Any:
        own = tuple((title, {"fields": names}) for title, names in FIELDSETS)
        if obj is None:
            return own
        return (*own, (_("Preparation"), {"fields": PREPARATION}))

    def get_readonly_fields(
        self, request: HttpRequest, obj: Delivery | None = None
    ) -> tuple[str, ...]:
        return PREPARATION

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        may = request.user.has_perm(SKIP_DENYLIST)
        form.may_skip_denylist = may  # type: ignore[attr-defined]
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_sent(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_sent(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The analyses go with their delivery, though nobody deletes one alone."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        lacking.discard(Analysis._meta.verbose_name)
        return deleted, counts, lacking, protected

    def refusal_to_change(self, request: HttpRequest, row: Delivery) -> str:
        return approvals.refusal(request.user, row)

    def save_model(
        self, request: HttpRequest, obj: Delivery, form: Any, change: bool
    ) -> None:
        if change:
            self._hold(request, obj)
        super().save_model(request, obj, form, change)
        if form.changed_data or not change:
            approvals.written([obj], user=request.user)

    def _hold(self, request: HttpRequest, obj: Delivery) -> None:
        """Ask again while nobody else can change it, or begin to send it."""
        row = Delivery.objects.select_for_update(of=("self",)).get(pk=obj.pk)
        if row.has_left:
            raise PermissionDenied
        if refusal := approvals.refusal(request.user, row):
            raise PermissionDenied(refusal)

    def beside(self, request: HttpRequest, row: Delivery) -> Facts:
        # Not of the row that the form has just changed.
        saved = Delivery.objects.get(pk=row.pk)
        return steps.context(request, saved) | {"seen": meanwhile.mark_of_form(saved)}

    def delete_model(self, request: HttpRequest, obj: Delivery) -> None:
        deliveries.delete(obj)

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[Delivery]
    ) -> None:
        for delivery in queryset:
            self.delete_model(request, delivery)

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Nobody deletes or edits an audience or service by a slip from here."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and hasattr(field.widget, "can_delete_related"):
            field.widget.can_delete_related = field.widget.can_change_related = False
        return field

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["may_add"] = self.has_add_permission(request)
        context["show_save_and_add_another"] = False  # the steps lead on
        context["steps"] = steps.of_new()  # those of a row take their place
        return super().render_change_form(request, context, *args, **kwargs)

    def response_add(
        self, request: HttpRequest, obj: Delivery, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """What it says is the next step."""
        if "_addanother" in request.POST or "_continue" in request.POST:
            return super().response_add(request, obj, *args, **kwargs)
        return redirect("admin:delivery_delivery_content", obj.pk)

    def response_change(self, request: HttpRequest, obj: Delivery) -> HttpResponse:
        """Whoever went to another step with unsaved text goes on there."""
        answer = super().response_change(request, obj)
        there = steps.next_url(request.POST)
        return redirect(there) if there else answer

    @admin.display(description=_("state"))
    def state(self, delivery: Any) -> SafeString:
        stands = _standing(delivery)
        shown = steps.pill(stands)
        if alarm := steps.in_words(stands.unusual):
            text = '{} <span class="alarm">{}</span>'
            return format_html(text, shown, alarm)
        return shown

    @admin.display(description=_("date"))
    def dated(self, delivery: Any) -> SafeString:
        """When it began, begins or was prepared; and which of these."""
        text = '{} <span class="of-date">{}</span>'
        return format_html(text, *steps.dated(_standing(delivery), delivery))

    @admin.display(description=_("to deliver"))
    def to_deliver(self, delivery: Any) -> SafeString | str:
        run = _standing(delivery).run
        if run is None or not run.targeted:
            return ""
        return _captioned(grouped(run.to_deliver), gettext("to deliver"))

    @admin.display(description=_("excluded"))
    def excluded(self, delivery: Any) -> SafeString | str:
        """How many and which share, with the way to who they are and why."""
        run = _standing(delivery).run
        if run is None or not run.targeted:
            return ""
        url = reverse("admin:delivery_delivery_outcomes", args=[delivery.pk])
        link = format_html(
            '<a href="{}" title="{}">{} ({})</a>',
            url,
            gettext("Who is excluded"),
            grouped(run.excluded),
            percentage(share_of(run)),
        )
        return _captioned(link, gettext("excluded"))


def _standing(delivery: Any) -> Standing:
    """That of the list; a form asks for its own."""
    if not hasattr(delivery, "standing"):
        delivery.standing = standing.of(delivery)
    found: Standing = delivery.standing
    return found


def _captioned(number: str, caption: str) -> SafeString:
    """A count of the list; on a phone, where no column has a heading, with its name."""
    text = '{} <span class="narrow-only">{}</span>'
    return format_html(text, number, caption)


def _is_sent(delivery: Delivery | None) -> bool:
    return bool(delivery and delivery.has_left)
