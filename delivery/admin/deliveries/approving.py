"""The approval of a delivery that reaches opted-out people: what it says, and Approve.

What is approved is shown whole beside the button, and the button approves just that:
whoever changes it meanwhile makes the approval fail.
"""

from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext as _, gettext_lazy, gettext_noop

from audiences import conditions
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.records import console_log
from audiences.refusals import Refused
from delivery import approvals
from delivery.models import Delivery
from delivery.roles import SKIP_DENYLIST

from . import steps


@page(Delivery, "approval", "view", title=gettext_lazy("Approval"))
def approval(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """What would be approved, by whom it was written, and the approvals of before."""
    facts: Facts = {"delivery": delivery, **steps.context(request, delivery)}
    facts["earlier"] = delivery.approvals.all()[:20]
    try:
        statement = approvals.statement_of(delivery)
    except Refused as refused:
        return facts | {"problem": str(refused)}
    tree = delivery.audience.condition
    return facts | {
        "seen": approvals.fingerprint_of(statement),
        "condition": conditions.sentence(tree) if tree else "",
        "rule_labels": [rule["label"] for rule in statement["rules"]],
    }


@page(Delivery, "approve", SKIP_DENYLIST, method="POST")
def approve(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """Approve what the page has shown."""
    seen = request.POST.get("seen", "")
    try:
        approvals.approve(delivery, user=request.user, seen=seen)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        admin.log_change(
            request,
            delivery,
            console_log.kept(gettext_noop("Approved ({mark})."), mark=seen[:12]),
        )
        messages.success(request, _("Approved, as it is now."))
    return redirect("admin:delivery_delivery_approval", delivery.pk)
