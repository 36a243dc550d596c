"""The steps of a delivery, ticked by what is so, and never by where somebody was."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from audiences.channels import Channel
from audiences.console.pages import Facts
from delivery import approvals
from delivery.models import Analysis, Delivery, Sending
from delivery.rules import skips_denylist
from delivery.sending import freshness

from . import previews

State = Sending.State
OF_FILES = (Channel.PHONE, Channel.DIRECT_MAIL, Channel.FAX)


@dataclass(frozen=True)
class Step:
    """One step: where it is, whether it is done, and the fact that says so."""

    code: str
    label: str
    url: str
    is_done: bool = False
    note: str = ""
    is_failed: bool = False


def context(request: HttpRequest, delivery: Delivery) -> Facts:
    """What every page of a delivery shows at its top."""
    approval = _approval(request, delivery)
    return {
        "steps_delivery": delivery,
        "steps": _steps(delivery, approval),
        **approval,
    }


def _approval(request: HttpRequest, delivery: Delivery) -> Facts:
    """What pages say about its approval; nothing where none is due."""
    if not skips_denylist(delivery.purpose):
        return {}
    return {
        "needs_approval": True,
        "approval": approvals.in_force(delivery),
        "refusal_to_approve": approvals.refusal_to_approve(request.user, delivery),
    }


def _steps(delivery: Delivery, approval: Facts) -> list[Step]:
    def url(name: str) -> str:
        return reverse(f"admin:delivery_delivery_{name}", args=[delivery.pk])

    form = url("change")
    found = [
        Step("content", _("Content"), url("content"), *_content(delivery)),
        Step(
            "audience",
            _("Audience"),
            f"{form}#fieldset-0-1-heading",
            True,
            str(delivery.audience),
        ),
        Step(
            "rules",
            _("Rules"),
            f"{form}#fieldset-0-2-heading",
            delivery.typology_id is not None,
            str(delivery.typology or _("the default ones")),
        ),
        Step("report", _("Prepare"), url("outcomes"), *_prepared(delivery)),
    ]
    if approval:
        done = approval["approval"] is not None
        found.append(Step("approval", _("Approval"), url("approval"), done))
    if delivery.channel not in OF_FILES:
        found.append(Step("test", _("Test"), url("test"), *_tested(delivery)))
    found.append(Step("send", _("Send"), url("send"), *_sent(delivery)))
    return found


def _content(delivery: Delivery) -> tuple[bool, str, bool]:
    if delivery.channel in OF_FILES:
        return bool(delivery.columns), "", False
    codes = ["", *delivery.variants.values_list("language", flat=True)]
    if not delivery.content.strip():
        return False, _("nothing yet"), False
    faulty = any(previews.faults_of(delivery, code) for code in codes)
    note = _("not right yet") if faulty else ""
    if not note and len(codes) > 1:
        note = _("{count} languages").format(count=len(codes))
    return not faulty, note, faulty


def _prepared(delivery: Delivery) -> tuple[bool, str, bool]:
    run = delivery.latest_analysis
    if run is None:
        return False, _("not yet"), False
    is_old = run.pk in freshness.out_of_date([run])
    is_ready = run.state == Analysis.State.READY and not is_old
    failed = run.state == Analysis.State.FAILED
    if is_old:
        return False, _("out of date"), False
    return is_ready, "" if is_ready else run.get_state_display(), failed


def _tested(delivery: Delivery) -> tuple[bool, str]:
    if delivery.tested_at is None:
        return False, _("not yet")
    return True, date_format(localtime(delivery.tested_at), "j M H:i")


def _sent(delivery: Delivery) -> tuple[bool, str, bool]:
    sending = Sending.objects.filter(delivery=delivery).first()
    if sending is None:
        return delivery.messages.exists(), "", False
    is_sent = sending.state == State.SENT
    note = "" if is_sent else sending.get_state_display()
    return is_sent, note, sending.state == State.FAILED
