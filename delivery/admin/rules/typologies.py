"""Typologies in the admin: rules in their order, tried on a delivery."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy as _

from audiences.console.numbers import grouped
from delivery import analysis, approvals
from delivery.models import Delivery, Typology

from .typology_forms import TypologyForm
from .written_by_form import WrittenByForm


@admin.register(Typology)
class TypologyAdmin(WrittenByForm):
    form = TypologyForm
    change_form_template = "admin/delivery/typology/change_form.html"
    add_form_template = change_form_template
    list_display = ("shown_label", "is_default", "its_rules", "deliveries")
    search_fields = ("label", "slug")
    ordering = ("slug",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        rows = rows.prefetch_related("uses__rule")
        counted: QuerySet[Any] = rows.annotate(number=Count("delivery"))
        return counted

    @admin.display(description=_("deliveries"))
    def deliveries(self, typology: Any) -> str:
        return grouped(typology.number)

    @admin.display(description=_("label"))
    def shown_label(self, typology: Typology) -> str:
        return typology.shown_label

    @admin.display(description=_("rules"))
    def its_rules(self, typology: Typology) -> str:
        return ", ".join(use.rule.shown_label for use in typology.uses.all())

    def get_fieldsets(self, request: HttpRequest, obj: Typology | None = None) -> Any:
        folded = {"classes": ("collapse",), "fields": ("slug",)}
        return [
            (None, {"fields": ("label", "is_default", "rules")}),
            (gettext("Its name in commands"), folded),
        ]

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> Any:
        return self.go_back(obj)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Typology | None = None
    ) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_delete_permission(request, obj)
        return may and not (obj and obj.is_default)

    def using(self, form: TypologyForm) -> list[Delivery]:
        return approvals.using_typology(
            form.instance if form.instance.pk else None,
            becomes_default=form.becomes_default,
        )

    def refusal_to_change(self, request: HttpRequest, row: Typology) -> str:
        return approvals.refusal_of(request.user, approvals.using_typology(row))

    def tried(self, form: TypologyForm, delivery: Delivery) -> list[str]:
        report = analysis.dry_run(delivery, form.rows_on_trial())
        text = gettext(
            "“{delivery}” now: {targeted} targeted = {to_deliver} to deliver + "
            "{excluded} excluded."
        ).format(
            delivery=delivery,
            targeted=grouped(report.targeted),
            to_deliver=grouped(report.to_deliver),
            excluded=grouped(report.excluded),
        )
        found = [*report.causes, *report.warnings]
        lines = [f"{report.in_words(x)}: {grouped(x.count)}" for x in found if x.count]
        error = report.error_in_words
        return [text, *([error] if error else []), *lines]
