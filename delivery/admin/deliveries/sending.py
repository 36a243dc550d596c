"""The page *Send*: what will happen in one sentence, how far it is, what came of it.

Sending more than a set number of messages asks for that number to be typed: nobody
sends to everybody by a slip. The page only asks; background workers send.
"""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from audiences.console.charts import Share, in_a_row
from audiences.console.numbers import grouped
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.refusals import Refused
from delivery import approvals
from delivery.models import Delivery, Dispatch, Sending, TypologyRule
from delivery.roles import SEND
from delivery.sending import sendings
from delivery.sending.last_check import LABELS
from delivery.sending.status import SendingStatus, status_of

from . import steps

State = Sending.State
MOMENT = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class SendForm(forms.Form):
    """When and how fast; and the number of messages, where there are many."""

    at = forms.DateTimeField(label=gettext_lazy("Begin"), required=False, widget=MOMENT)
    rate = forms.FloatField(
        label=gettext_lazy("Messages a second at most"),
        required=False,
        min_value=0.001,
        max_value=100_000,
    )
    number = forms.CharField(label=gettext_lazy("How many"), required=False)

    def __init__(self, *args: Any, to_deliver: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.to_deliver = to_deliver
        if to_deliver <= settings.SEND_CONFIRM_ABOVE:
            del self.fields["number"]

    def clean_at(self) -> Any:
        at = self.cleaned_data["at"]
        if at and at < timezone.now() - timedelta(minutes=5):
            raise forms.ValidationError(_("That moment has passed."))
        return at

    def clean_number(self) -> str:
        typed = "".join(filter(str.isdigit, self.cleaned_data["number"]))
        if typed != str(self.to_deliver):
            text = _("Type the number of people: {number}.")
            raise forms.ValidationError(text.format(number=grouped(self.to_deliver)))
        return typed


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
    form = SendForm(request.POST or None, to_deliver=found.to_deliver)
    if request.method == "POST":
        if not request.user.has_perm(SEND):
            raise PermissionDenied
        _refuse(request, delivery)
        if form.is_valid() and _begun(admin, request, delivery, form):
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
        **steps.context(request, delivery),
        **_shown(delivery, found),
    }
    if sending is None:
        facts |= _before(request, delivery, found)
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
            rate=form.cleaned_data["rate"],
            refusal=lambda row: approvals.refusal(request.user, row, approvals.Act.USE),
        )
    except Refused as refused:
        messages.error(request, str(refused))
        return False
    admin.log_change(request, delivery, "Began to send it.")
    return True


def _before(request: HttpRequest, delivery: Delivery, found: SendingStatus) -> Facts:
    try:
        sendings.check(delivery)
    except Refused as refused:
        return {"problem": str(refused)}
    refusal = approvals.refusal(request.user, delivery, approvals.Act.USE)
    return {"problem": refusal, "sentence": _sentence(delivery, found)}


def _sentence(delivery: Delivery, found: SendingStatus) -> str:
    """What will happen, in one sentence."""
    run = delivery.latest_analysis
    text = ngettext(
        "{number} person gets “{delivery}” by {channel}; {excluded} in its audience do "
        "not.",
        "{number} people get “{delivery}” by {channel}; {excluded} in its audience do "
        "not.",
        found.to_deliver,
    )
    return text.format(
        number=grouped(found.to_deliver),
        delivery=delivery,
        channel=delivery.get_channel_display(),
        excluded=grouped(run.excluded if run else 0),
    )


def _act(name: str, said: str, act: Any, *, needs_use: bool = False) -> None:
    """A page that posts one act upon the sending."""

    @page(Delivery, name, SEND, method="POST")
    def view(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
        if needs_use:
            _refuse(request, delivery)
        try:
            act(delivery, request)
        except Refused as refused:
            messages.warning(request, str(refused))
        else:
            admin.log_change(request, delivery, said)
        return _back(delivery)


_act("pause", "Paused its sending.", lambda d, request: sendings.pause(d))
_act("cancel", "Cancelled its sending.", lambda d, request: sendings.cancel(d))
_act(
    "resume",
    "Resumed its sending.",
    lambda d, request: sendings.resume(d),
    needs_use=True,
)
_act(
    "resend",
    "Had those sent again of whom nobody knows.",
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
    }
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def _shown(delivery: Delivery, found: SendingStatus) -> Facts:
    """The counts in words, with their places in one bar."""

    def share(code: str, label: str, count: int) -> Share:
        return Share(label, count, found.to_deliver, code)

    labels = dict(TypologyRule.objects.values_list("code", "label"))
    shares = in_a_row(
        [
            share("sent", _("Sent"), found.sent),
            share("withdrawn", _("Withdrawn"), sum(found.withdrawn.values())),
            share("refused", _("Refused"), found.refused),
            share("uncertain", _("Uncertain"), found.uncertain),
            share("waiting", _("Waiting"), found.waiting),
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
    return _(LABELS.get(code) or labels.get(code, code))


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
