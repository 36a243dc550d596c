"""The form of the page *Send*, and the sentence that says what it will do."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from audiences.addresses import trial
from audiences.channels import Channel
from audiences.console.moments import MomentField, MomentInput
from audiences.console.numbers import grouped
from audiences.refusals import Refused
from delivery.composing.contents import sender_of
from delivery.models import Delivery
from delivery.sending import seeds, sendings
from delivery.sending.status import SendingStatus

MOMENT = MomentInput({"aria-label": gettext_lazy("Moment")})
NOW, AT = "now", "at"


class SendForm(forms.Form):
    """When and how fast; the number of messages, where there are many; and that
    somebody has looked, where the share of those excluded is far from the usual one.

    A contact date that has passed asks when; one ahead is what it begins with.
    """

    when = forms.ChoiceField(
        label=gettext_lazy("Begin"),
        required=False,
        widget=forms.RadioSelect,
        choices=[(NOW, gettext_lazy("now")), (AT, gettext_lazy("at this moment:"))],
    )
    at = MomentField(label=gettext_lazy("Moment"), required=False, widget=MOMENT)
    rate = forms.FloatField(
        label=gettext_lazy("Messages a second at most"),
        required=False,
        min_value=0.001,
        max_value=100_000,
    )
    number = forms.CharField(label=gettext_lazy("How many"), required=False)
    looked = forms.BooleanField(
        label=gettext_lazy("I have looked at who is excluded, and it is meant so"),
        error_messages={
            "required": gettext_lazy("Look at who is excluded, and say that it is so.")
        },
    )

    def __init__(
        self,
        *args: Any,
        delivery: Delivery,
        to_deliver: int,
        is_unusual: bool = False,
        **kwargs: Any,
    ) -> None:
        kwargs["initial"] = _initial(delivery)
        super().__init__(*args, **kwargs)
        self.delivery, self.to_deliver = delivery, to_deliver
        if to_deliver <= settings.SEND_CONFIRM_ABOVE:
            del self.fields["number"]
        else:
            text = _("Type {number} to confirm")
            self.fields["number"].label = text.format(number=grouped(to_deliver))
        if not is_unusual:
            del self.fields["looked"]

    def clean(self) -> None:
        super().clean()
        given = self.cleaned_data
        at = given.get("at")
        when = given.get("when") or (AT if at else "")
        if when == AT and not at:
            if "at" not in self.errors:
                self.add_error("at", _("Choose a moment."))
            return
        try:
            given["at"] = sendings.moment_of(
                self.delivery, at if when == AT else None, is_now=when == NOW
            )
        except Refused as refused:
            self.add_error("at" if when == AT else "when", str(refused))
        given["is_now"] = when == NOW

    def clean_number(self) -> str:
        typed = "".join(filter(str.isdigit, self.cleaned_data["number"]))
        if typed != str(self.to_deliver):
            text = _("Type the number of people: {number}.")
            raise forms.ValidationError(text.format(number=grouped(self.to_deliver)))
        return typed

    @property
    def chosen_moment(self) -> datetime | None:
        """When it would begin as the form stands; None: now, or not yet chosen."""
        if self.is_bound:
            return getattr(self, "cleaned_data", {}).get("at")
        at: datetime | None = self.initial.get("at")
        return at

    @property
    def chosen_rate(self) -> float | None:
        rate = getattr(self, "cleaned_data", {}).get("rate") if self.is_bound else None
        return rate or settings.SEND_RATE or None

    @property
    def said(self) -> str:
        """What the sentence has said of the choices: another choice is said first."""
        at = self.chosen_moment
        moment = f"{timezone.localtime(at):%Y-%m-%dT%H:%M}" if at else NOW
        return f"{moment} {self.chosen_rate or 0:g}"


def _initial(delivery: Delivery) -> dict[str, Any]:
    try:
        at = sendings.moment_of(delivery)
    except Refused:
        return {}
    return {"when": AT, "at": at} if at else {"when": NOW}


def sentence(delivery: Delivery, found: SendingStatus, form: SendForm) -> str:
    """What will happen, in one sentence, and what else happens beside it."""
    run = delivery.latest_analysis
    text = ngettext(
        "{number} person gets “{delivery}” by {channel}{details}; {excluded} in its "
        "audience do not.",
        "{number} people get “{delivery}” by {channel}{details}; {excluded} in its "
        "audience do not.",
        found.to_deliver,
    )
    said = text.format(
        number=grouped(found.to_deliver),
        delivery=delivery,
        channel=delivery.get_channel_display(),
        details="".join(f", {detail}" for detail in _details(delivery, form)),
        excluded=grouped(run.excluded if run else 0),
    )
    return " ".join([said, *_beside(delivery, form)])


def _details(delivery: Delivery, form: SendForm) -> list[str]:
    """Whom it is from, when it begins, and how fast it goes."""
    found = []
    if delivery.channel == Channel.EMAIL:
        own = sender_of(delivery)
        found.append(_("from {sender}").format(sender=f"{own.name} <{own.address}>"))
    at = form.chosen_moment
    if at:
        found.append(_("starting {moment}").format(moment=sendings.in_zone(at)))
    elif form.is_bound or form.initial:
        found.append(_("starting now"))
    if rate := form.chosen_rate:
        pace = grouped(round(rate)) if rate >= 1 else f"{rate:g}"
        found.append(_("at {rate} a second").format(rate=pace))
    return found


def _beside(delivery: Delivery, form: SendForm) -> list[str]:
    found = []
    at = form.chosen_moment
    if at and at > timezone.now():
        found.append(_("It is prepared once more right before."))
    if copies := len(seeds.of(delivery)):
        text = ngettext(
            "A copy goes to {count} seed address.",
            "A copy goes to {count} seed addresses.",
            copies,
        )
        found.append(text.format(count=grouped(copies)))
    if trial.is_on():
        found.append(
            _("The site is on trial: who is not on its list is withdrawn instead.")
        )
    return found
