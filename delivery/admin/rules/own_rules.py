"""Rules in the admin: made, tried on a delivery, switched off, put where they work.

Rules of the code are shown as they are. A rule is never deleted: outcomes name it.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from audiences.admin.condition_forms import matching_of
from audiences.console.badges import badge
from audiences.console.exact import ExactList
from audiences.console.numbers import grouped
from delivery import approvals, rules
from delivery.analysis import forecasting
from delivery.models import Delivery, TypologyRule
from delivery.rules import controls, limits, typologies, writing
from delivery.rules.rule import own_rule
from delivery.rules.writing import default_typology

from .forms import FIELDS, RuleForm
from .of_delivery import ChooseForm
from .written_by_form import WrittenByForm

Kind = TypologyRule.Kind


@admin.register(TypologyRule)
class TypologyRuleAdmin(WrittenByForm):
    form = RuleForm
    change_form_template = "admin/delivery/typologyrule/change_form.html"
    add_form_template = change_form_template
    list_display = ("shown_label", "kind", "works", "used_by")
    list_filter = ("kind", "is_active")
    search_fields = ("label", "code")
    ordering = ("id",)
    sortable_by = ()
    actions = ("activate", "deactivate")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("typology_set")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RuleList

    @admin.display(description=_("works"))
    def works(self, rule: Any) -> SafeString:
        """Whether it judges anything; a rule that does not says why."""
        why = getattr(rule, "idle", None)
        if why is None:
            why = limits.idle([rule]).get(rule.pk, "")
        if not why:
            return badge(gettext("yes"), "good")
        text = '{} <span class="quiet">{}</span>'
        return format_html(text, badge(gettext("no"), "warn"), why)

    @admin.display(description=_("label"))
    def shown_label(self, rule: TypologyRule) -> str:
        return rule.shown_label

    @admin.display(description=_("used by"))
    def used_by(self, rule: TypologyRule) -> str:
        if rule.kind == Kind.NATIVE or controls.is_always_on(rule):
            return gettext("every delivery")
        return ", ".join(row.shown_label for row in rule.typology_set.all())

    def get_fields(self, request: HttpRequest, obj: TypologyRule | None = None) -> Any:
        if obj is None:
            own = FIELDS.get(_asked_kind(request), RuleForm.Meta.fields[4:])
            return ("kind", "label", *own, "is_active")
        names = ("code", "kind", "label", "is_active", *FIELDS.get(obj.kind, ()))
        if controls.is_always_on(obj):
            return tuple(name for name in names if name != "inactive_note")
        return names

    def get_fieldsets(
        self, request: HttpRequest, obj: TypologyRule | None = None
    ) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj is None:
            folded = {"classes": ("collapse",), "fields": ("slug",)}
            return [*found, (gettext("Its name in commands"), folded)]
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
        if rule is None:
            context["kinds"] = [
                (label, f"?kind={kind}", kind == _asked_kind(request))
                for kind, label in KINDS.items()
            ]
        elif why := limits.idle([rule]).get(rule.pk):
            context["idle"] = why
            if self.may_save(request, rule) and not rule.typology_set.exists():
                context["choose"] = ChooseForm(
                    initial={"typology": default_typology().pk}
                )
        return super().render_change_form(request, context, *args, **kwargs)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kw: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kw)
        form.asked_kind = _asked_kind(request)  # type: ignore[attr-defined]
        return form

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> Any:
        """To its page, which says whether it works yet."""
        return self.go_back(obj)

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


KINDS = {
    Kind.FILTERING: _("Filtering: who meets a condition"),
    Kind.FATIGUE: _("Fatigue: who has had enough"),
    Kind.CONTROL: _("Control: what the message must be"),
}


def _asked_kind(request: HttpRequest) -> str:
    """The kind of the rule that is made: posted, else of the page's address."""
    asked = request.POST.get("kind") or request.GET.get("kind") or Kind.FILTERING
    return str(asked) if asked in KINDS else str(Kind.FILTERING)


class RuleList(ExactList):
    """The list knows of each rule on its page whether it judges anything."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        why = limits.idle(rows)
        for row in rows:
            row.idle = why.get(row.pk, "")
        self.result_list = rows


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
