"""The page *Send*: what will happen in one sentence, how far it is, what came of it.

Sending more than a set number of messages asks for that number to be typed: nobody
sends to everybody by a slip. The page only asks; background workers send.
"""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _, gettext_lazy, gettext_noop

from audiences.console import remedies
from audiences.console.charts import Share, in_a_row
from audiences.console.numbers import grouped
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.refusals import Refused
from delivery import approvals
from delivery.models import Delivery, Dispatch, Sending, TypologyRule
from delivery.models.typologies import label_in_words
from delivery.roles import SEND
from delivery.sending import sendings
from delivery.sending.last_check import LABELS
from delivery.sending.status import SendingStatus, status_of

from . import reports, steps
from .send_form import SendForm, sentence

State = Sending.State


def _refuse(request: HttpRequest, delivery: Delivery) -> None:
    refusal = approvals.refusal(request.user, delivery, approvals.Act.USE)
    if refusal:
        raise PermissionDenied(refusal)


def _back(delivery: Delivery) -> HttpResponse:
    return redirect("admin:delivery_delivery_send", delivery.pk)


@page(Delivery, "send", "view", method="", title=gettext_lazy("Send"))
def send(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """What will happen, and the button; later how far it is, and what came of it."""
    found = status_of(delivery)
    posted = request.POST if request.method == "POST" else None
    top = steps.context(request, delivery)
    form = SendForm(
        posted,
        delivery=delivery,
        to_deliver=found.to_deliver,
        is_unusual=bool(top["alarm"]),
    )
    is_other = False
    if posted is not None:
        if not request.user.has_perm(SEND):
            raise PermissionDenied
        _refuse(request, delivery)
        is_valid = form.is_valid()
        is_other = is_valid and posted.get("said", form.said) != form.said
        if is_valid and not is_other and _begun(admin, request, delivery, form):
            return _back(delivery)
    sending = Sending.objects.filter(delivery=delivery).first()
    facts: Facts = {
        "delivery": delivery,
        "sending": sending,
        "status": found,
        "form": form,
        "may_send": request.user.has_perm(SEND)
        and not approvals.refusal(request.user, delivery, approvals.Act.USE),
        "needs_number": "number" in form.fields,
        "zone": timezone.get_current_timezone_name(),
        "begins": sendings.in_zone(sending.starts_at) if sending else "",
        "copies": _copies(sending) if sending else [],
        **top,
        **_shown(delivery, found),
    }
    facts |= reports.context(delivery)
    if sending is None:
        facts |= _before(request, delivery, found, form) | {"is_other": is_other}
    return facts


def _begun(
    admin: PlainAdmin, request: HttpRequest, delivery: Delivery, form: SendForm
) -> bool:
    """Begin to send as the form says; a refusal is shown on the page."""
    try:
        sendings.begin(
            delivery,
            actor=request.user.get_username(),
            at=form.cleaned_data["at"],
            is_now=form.cleaned_data["is_now"],
            rate=form.cleaned_data["rate"],
            refusal=lambda row: approvals.refusal(request.user, row, approvals.Act.USE),
        )
    except Refused as refused:
        remedies.tell(request, refused)
        return False
    admin.log_change(request, delivery, gettext_noop("Began to send it."))
    return True


def _before(
    request: HttpRequest, delivery: Delivery, found: SendingStatus, form: SendForm
) -> Facts:
    try:
        sendings.check(delivery)
    except Refused as refused:
        return {"problem": refused}
    asks = ""
    try:
        sendings.moment_of(delivery)
    except Refused as refused:
        asks = str(refused)
    refusal = approvals.refusal(request.user, delivery, approvals.Act.USE)
    return {
        "problem": refusal,
        "asks": asks,
        "sentence": sentence(delivery, found, form),
    }


def _act(name: str, said: str, act: Any, *, needs_use: bool = False) -> None:
    """A page that posts one act upon the sending."""

    @page(Delivery, name, SEND, method="POST")
    def view(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
        if needs_use:
            _refuse(request, delivery)
        try:
            act(delivery, request)
        except Refused as refused:
            remedies.tell(request, refused, messages.WARNING)
        else:
            admin.log_change(request, delivery, said)
        return _back(delivery)


_act("pause", gettext_noop("Paused its sending."), lambda d, request: sendings.pause(d))
_act(
    "cancel",
    gettext_noop("Cancelled its sending."),
    lambda d, request: sendings.cancel(d),
)
_act(
    "resume",
    gettext_noop("Resumed its sending."),
    lambda d, request: sendings.resume(d),
    needs_use=True,
)
_act(
    "resend",
    gettext_noop("Had those sent again of whom nobody knows."),
    lambda d, request: sendings.resend_uncertain(d, note=request.POST.get("note", "")),
    needs_use=True,
)


@page(Delivery, "sending", "view", route="<int:pk>/sending.json")
def sending_json(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """How far it is, as JSON, for the script of the page."""
    found = status_of(delivery)
    shown = _shown(delivery, found)
    answer = {
        "moment": shown["moment"],
        "done": found.to_deliver - found.waiting,
        "expected": found.to_deliver,
        "text": shown["words"],
        "counts": {share.code: share.number for share in shown["shares"]},
        "shares": {share.code: share.share for share in shown["shares"]},
    }
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def _shown(delivery: Delivery, found: SendingStatus) -> Facts:
    """The counts in words, with their places in one bar."""

    def share(code: str, label: str, count: int) -> Share:
        return Share(label, count, found.to_deliver, code)

    labels = dict(TypologyRule.objects.values_list("code", "label"))
    # Nobody waits for what was cancelled.
    is_over = found.state == State.CANCELLED
    waiting = _("Not sent") if is_over else _("Waiting")
    shares = in_a_row(
        [
            share("sent", _("Sent"), found.sent),
            share("withdrawn", _("Withdrawn"), sum(found.withdrawn.values())),
            share("refused", _("Refused"), found.refused),
            share("uncertain", _("Uncertain"), found.uncertain),
            share("waiting", waiting, found.waiting),
        ]
    )
    return {
        "moment": f"{found.state}-{found.reason}",
        "is_going_on": found.state in (State.SCHEDULED, State.SENDING),
        "words": _words(found),
        "shares": shares,
        "withdrawn": [
            (_cause(code, labels), grouped(count))
            for code, count in sorted(found.withdrawn.items(), key=lambda x: -x[1])
        ],
        "came_back": [
            (_("Delivered"), grouped(found.delivered)),
            (_("Failed"), grouped(found.failed)),
            (_("Complaints"), grouped(found.complaints)),
            (_("Unsubscribed by it"), grouped(found.unsubscribed)),
        ],
        "refusals": _refusals(delivery) if found.refused else [],
    }


def _cause(code: str, labels: dict[str, str]) -> str:
    return label_in_words(str(LABELS.get(code) or labels.get(code, code)))


_COPIES = {
    "taken": gettext_lazy("Taken"),
    "refused": gettext_lazy("Refused"),
    "later": gettext_lazy("Not taken now"),
    "uncertain": gettext_lazy("Uncertain"),
    "trial": gettext_lazy("The site is on trial, and the address is not on its list"),
}


def _copies(sending: Sending) -> list[tuple[str, str, str]]:
    """What became of the copies to seeds."""
    return [
        (row["name"], str(_COPIES[row["result"]]), row["text"]) for row in sending.seeds
    ]


def _words(found: SendingStatus) -> str:
    """How far it is: the count, the pace, and the time that is left."""
    done = found.to_deliver - found.waiting
    text = _("{done} of {expected} settled.").format(
        done=grouped(done), expected=grouped(found.to_deliver)
    )
    if found.state != State.SENDING or not found.started_at or not done:
        return text
    seconds = max(1.0, (timezone.now() - found.started_at).total_seconds())
    pace = done / seconds
    end = timezone.localtime(timezone.now() + timedelta(seconds=found.waiting / pace))
    more = _("{pace} a second; done at about {time}.")
    pace_text = grouped(round(pace)) if pace >= 1 else f"{pace:.2f}"
    return f"{text} {more.format(pace=pace_text, time=date_format(end, 'H:i'))}"


def _refusals(delivery: Delivery) -> list[tuple[str, str, str]]:
    """Why messages were refused: code, words and how many, most first."""
    rows = Dispatch.objects.filter(delivery=delivery, status=Dispatch.Status.REFUSED)
    found = rows.order_by().values_list("code", "text").annotate(n=Count("profile_id"))
    return [
        (code, text[:200], grouped(n)) for code, text, n in found.order_by("-n")[:20]
    ]
