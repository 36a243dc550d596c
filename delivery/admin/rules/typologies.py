"""Typologies and rules in the admin: made, ordered, tried on a delivery, switched off.

Rules of the code are shown as they are. A rule is never deleted: outcomes name it.
"""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from audiences.admin.condition_forms import matching_of
from audiences.console.numbers import grouped
from delivery import analysis, approvals, rules
from delivery.analysis import forecasting
from delivery.models import Delivery, Typology, TypologyRule
from delivery.rules import controls, typologies, writing
from delivery.rules.rule import own_rule

from .forms import FIELDS, RuleForm
from .typology_forms import TypologyForm
from .written_by_form import WrittenByForm

Kind = TypologyRule.Kind


@admin.register(TypologyRule)
class TypologyRuleAdmin(WrittenByForm):
    form = RuleForm
    change_form_template = "admin/delivery/typologyrule/change_form.html"
    add_form_template = change_form_template
    list_display = ("shown_label", "code", "kind", "is_active", "used_by")
    list_filter = ("kind", "is_active")
    search_fields = ("label", "code")
    ordering = ("id",)
    sortable_by = ()
    actions = ("activate", "deactivate")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("typology_set")

    @admin.display(description=_("label"))
    def shown_label(self, rule: TypologyRule) -> str:
        return gettext(rule.label)

    @admin.display(description=_("used by"))
    def used_by(self, rule: TypologyRule) -> str:
        if rule.kind == Kind.NATIVE or controls.is_always_on(rule):
            return gettext("every delivery")
        return ", ".join(gettext(row.label) for row in rule.typology_set.all())

    def get_fields(self, request: HttpRequest, obj: TypologyRule | None = None) -> Any:
        if obj is None:
            return RuleForm.Meta.fields
        names = ("code", "kind", "label", "is_active", *FIELDS.get(obj.kind, ()))
        if controls.is_always_on(obj):
            return tuple(name for name in names if name != "inactive_note")
        return names

    def get_fieldsets(
        self, request: HttpRequest, obj: TypologyRule | None = None
    ) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj and controls.is_always_on(obj):
            found[0][1]["description"] = gettext(
                "The law or a promise needs this check: it looks at every delivery, "
                "and cannot be switched off."
            )
        return found

    def get_readonly_fields(
        self, request: HttpRequest, obj: TypologyRule | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        fixed = ["code", "kind"]
        if obj.kind == Kind.CONTROL:
            fixed.append("check_code")
        if controls.is_always_on(obj):
            fixed += ["is_active", "severity"]
        return tuple(fixed)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_change_permission(request, obj)
        return may and not (obj and obj.kind == Kind.NATIVE)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_try(self, request: HttpRequest, obj: TypologyRule | None) -> bool:
        judges = obj is None or obj.kind in (Kind.FILTERING, Kind.FATIGUE)
        return judges and super().may_try(request, obj)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        form, rule = context["adminform"].form, kwargs.get("obj")
        context["has_builder"] = "condition" in form.fields
        context["matching"] = matching_of(request, form)
        context["purposes"] = _purposes(rule) if rule else []
        return super().render_change_form(request, context, *args, **kwargs)

    def tried(self, form: RuleForm, delivery: Delivery) -> list[str]:
        effect = forecasting.effect_of(delivery, form.as_row())
        return [
            ngettext(
                "{count} person of the audience of “{delivery}” meets it.",
                "{count} people of the audience of “{delivery}” meet it.",
                effect.matching,
            ).format(count=grouped(effect.matching), delivery=delivery),
            ngettext(
                "It would exclude {count} who would get it otherwise.",
                "It would exclude {count} who would get it otherwise.",
                effect.deciding,
            ).format(count=grouped(effect.deciding)),
        ]

    def using(self, form: RuleForm) -> list[Delivery]:
        return approvals.using_rule(form.instance) if form.instance.pk else []

    def refusal_to_change(self, request: HttpRequest, row: TypologyRule) -> str:
        return approvals.refusal_of(request.user, approvals.using_rule(row))

    @admin.action(description=_("Activate"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[TypologyRule]) -> None:
        self._switch(request, queryset, on=True)

    @admin.action(description=_("Deactivate"), permissions=["change"])
    def deactivate(
        self, request: HttpRequest, queryset: QuerySet[TypologyRule]
    ) -> None:
        self._switch(request, queryset, on=False)

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[TypologyRule], *, on: bool
    ) -> None:
        rows = list(queryset.exclude(kind=Kind.NATIVE).exclude(is_active=on))
        changed = 0
        if not on and any(row.kind == Kind.CONTROL for row in rows):
            text = gettext("A check is switched off on its own page, with a note.")
            self.message_user(request, text, messages.WARNING)
            rows = [row for row in rows if row.kind != Kind.CONTROL]
        for row in rows:
            using = approvals.using_rule(row)
            if refusal := approvals.refusal_of(request.user, using):
                self.message_user(request, f"{row}: {refusal}", messages.ERROR)
                continue
            writing.change_rule(row, is_active=on)
            approvals.written(using, user=request.user)
            changed += 1
            self.log_change(request, row, [{"changed": {"fields": ["is_active"]}}])
        text = ngettext("{count} rule changed.", "{count} rules changed.", changed)
        self.message_user(request, text.format(count=changed), messages.SUCCESS)


def _purposes(rule: TypologyRule) -> list[tuple[str, bool]]:
    """For each purpose, whether the rule judges its deliveries."""
    known = {native.code: native for native in rules.registered_rules()}
    if rule.kind == Kind.CONTROL:
        return []
    if rule.kind == Kind.NATIVE:
        skipped = known[rule.code].skipped_by if rule.code in known else frozenset()
    else:
        skipped = typologies.as_rule(own_rule(rule)).skipped_by
    return [(str(p.label), p.value not in skipped) for p in Delivery.Purpose]


@admin.register(Typology)
class TypologyAdmin(WrittenByForm):
    form = TypologyForm
    change_form_template = "admin/delivery/typology/change_form.html"
    add_form_template = change_form_template
    list_display = ("shown_label", "slug", "is_default", "its_rules")
    search_fields = ("label", "slug")
    ordering = ("slug",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("uses__rule")

    @admin.display(description=_("label"))
    def shown_label(self, typology: Typology) -> str:
        return gettext(typology.label)

    @admin.display(description=_("rules"))
    def its_rules(self, typology: Typology) -> str:
        return ", ".join(gettext(use.rule.label) for use in typology.uses.all())

    def get_fields(self, request: HttpRequest, obj: Typology | None = None) -> Any:
        return ("label", "slug", "is_default", "rules")

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
