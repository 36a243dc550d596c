"""The step *Rules* of a delivery: which judge it, other ones, and a limit at once."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _, gettext_lazy, gettext_noop

from audiences.channels import Channel
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.records import console_log
from audiences.refusals import Refused, Sentence
from delivery import approvals, deliveries
from delivery.admin.deliveries import steps
from delivery.models import Delivery, Typology, TypologyRule
from delivery.rules import limits, registered_rules
from delivery.rules.writing import default_typology

HERE, EVERYWHERE = "here", "everywhere"
# A limit is a rule, and a typology has it.
MAKERS = ("delivery.add_typologyrule", "delivery.change_typology")


class LimitForm(forms.Form):
    """At most so many messages in so many days, on a channel."""

    maximum = forms.IntegerField(
        label=gettext_lazy("messages"), min_value=1, max_value=1000, initial=2
    )
    period_days = forms.IntegerField(
        label=gettext_lazy("days"), min_value=1, max_value=3650, initial=7
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("counted"),
        required=False,
        choices=[("", gettext_lazy("on all channels")), *Channel.choices],
    )
    where = forms.ChoiceField(
        label=gettext_lazy("It holds for"),
        initial=HERE,
        widget=forms.RadioSelect,
        choices=[(HERE, ""), (EVERYWHERE, "")],
    )

    def __init__(self, *args: Any, typology: Typology, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shared = _("every delivery with the rules “{typology}”")
        where = self.fields["where"]
        assert isinstance(where, forms.ChoiceField)  # noqa: S101
        where.choices = [
            (HERE, _("this delivery only")),
            (EVERYWHERE, shared.format(typology=typology.shown_label)),
        ]


class ChooseForm(forms.Form):
    """Another typology, or none of its own."""

    typology = forms.ModelChoiceField(
        Typology.objects.order_by("label"),
        required=False,
        label=gettext_lazy("Typology"),
        empty_label=gettext_lazy("The default one"),
    )


def _to(delivery: Delivery) -> HttpResponse:
    return redirect("admin:delivery_delivery_rules", delivery.pk)


def _refusal(request: HttpRequest) -> Any:
    return lambda row: approvals.refusal(request.user, row)


@page(Delivery, "rules", "view", title=gettext_lazy("Rules"))
def rules(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """Which rules judge it; a POST adds a limit."""
    typology = delivery.typology or default_typology()
    may_change = admin.has_change_permission(request, delivery)
    may_limit = may_change and request.user.has_perms(MAKERS)
    form = LimitForm(
        request.POST or None,
        typology=typology,
        initial={"channel": delivery.channel},
    )
    if request.method == "POST":
        if not may_limit:
            raise PermissionDenied
        if form.is_valid() and _limited(admin, request, delivery, form):
            return _to(delivery)
    return {
        "delivery": delivery,
        "typology": typology,
        "own": _own(typology),
        "of_the_code": [_(str(rule.label)) for rule in registered_rules()],
        "form": form if may_limit else None,
        "choose": ChooseForm(initial={"typology": delivery.typology}),
        "may_change": may_change,
        "may_add": request.user.has_perm("delivery.add_typologyrule"),
        **steps.context(request, delivery),
    }


def _own(typology: Typology) -> list[Facts]:
    """The operators' rules of a typology in their order, and which judge nothing."""
    uses = typology.uses.select_related("rule").order_by("position", "id")
    rows = [use.rule for use in uses.prefetch_related("rule__typology_set")]
    why = limits.idle(rows)
    return [{"rule": row, "idle": why.get(row.pk, "")} for row in rows]


def _limited(
    admin: PlainAdmin, request: HttpRequest, delivery: Delivery, form: LimitForm
) -> bool:
    """Make the limit; a refusal stands above the form."""
    given = form.cleaned_data
    here = given["where"] == HERE
    typology = delivery.typology or default_typology()
    # All that judge by what is changed, or this one alone.
    using = [delivery] if here else approvals.using_typology(typology)
    if refused := approvals.refusal_of(request.user, [] if here else using):
        form.add_error(None, refused)
        return False
    try:
        rule = deliveries.limit(
            delivery,
            maximum=given["maximum"],
            period_days=given["period_days"],
            channel=given["channel"],
            only_here=here,
            refusal=_refusal(request),
        )
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    approvals.written({delivery, *using}, user=request.user)
    admin.log_change(
        request,
        delivery,
        console_log.kept(gettext_noop("Added the limit “{rule}”."), rule=str(rule)),
    )
    text = _("It holds from the next preparation on: {rule}.")
    messages.success(request, text.format(rule=rule))
    return True


@page(Delivery, "choose_rules", "change", method="POST")
def choose(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """Take another typology."""
    form = ChooseForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a typology from the list."))
        return _to(delivery)
    typology = form.cleaned_data["typology"]
    try:
        changed = deliveries.choose_rules(delivery, typology, refusal=_refusal(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return _to(delivery)
    if changed:
        approvals.written([delivery], user=request.user)
        label = typology.label if typology else gettext_noop("the default")
        admin.log_change(
            request,
            delivery,
            console_log.kept(
                gettext_noop("Took other rules: {name}."), name=Sentence(label)
            ),
        )
        messages.success(request, _("Its rules are others now."))
    return _to(delivery)


@page(TypologyRule, "put", "change", "delivery.change_typology", method="POST")
def put(admin: PlainAdmin, request: HttpRequest, rule: TypologyRule) -> Answer:
    """Put a rule into a typology, so that it judges something."""
    form = ChooseForm(request.POST)
    typology = form.cleaned_data["typology"] if form.is_valid() else None
    if typology is None:
        messages.error(request, _("Choose a typology from the list."))
        return admin.go_back(rule)
    using = approvals.using_typology(typology)
    if refused := approvals.refusal_of(request.user, using):
        messages.error(request, refused)
        return admin.go_back(rule)
    if limits.put_into(typology, rule):
        approvals.written(using, user=request.user)
        text = gettext_noop("“{typology}” has it now.")
        said = Sentence(text, {"typology": Sentence(typology.label)})
        return admin.say_done(request, rule, said)
    return admin.go_back(rule)
