"""The step *Test*: a proof to one's own addresses, as any profile would read it."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext as _, gettext_lazy, gettext_noop, ngettext

from audiences.channels import Channel
from audiences.console import errors
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.records import console_log
from audiences.refusals import Refused
from delivery import approvals
from delivery.models import Delivery
from delivery.roles import SEND
from delivery.sending import proofs
from delivery.transports import Kind

from . import previews, steps


class TestForm(forms.Form):
    """Where a proof goes, and as whom it is read."""

    to = forms.CharField(
        label=gettext_lazy("To"),
        widget=forms.Textarea({"rows": 3}),
        help_text=gettext_lazy("Addresses of your own, one a line."),
    )
    preview_profile = forms.CharField(
        label=gettext_lazy("As this profile reads it"),
        required=False,
        help_text=gettext_lazy(
            "An id, external id or address; empty: with an example in the place of the "
            "fields."
        ),
    )

    def clean_to(self) -> list[str]:
        text: str = self.cleaned_data["to"]
        lines = text.replace(",", "\n").replace(";", "\n").splitlines()
        return list(dict.fromkeys(filter(None, (line.strip() for line in lines))))


@page(Delivery, "test", "view", title=gettext_lazy("Test"))
def test(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """The form; a POST sends the proofs and says what became of each."""
    may_test = request.user.has_perm(SEND)
    is_email = delivery.channel == Channel.EMAIL
    own = getattr(request.user, "email", "") if is_email else ""
    form = TestForm(request.POST or None, initial={"to": own})
    found: list[proofs.Proof] = []
    if request.method == "POST":
        if not may_test or approvals.refusal(request.user, delivery):
            raise PermissionDenied
        if form.is_valid():
            found = _sent(admin, request, delivery, form)
            delivery.refresh_from_db()
    elif delivery.channel in steps.OF_FILES:
        return redirect("admin:delivery_delivery_send", delivery.pk)
    return {
        "delivery": delivery,
        "form": form,
        "may_test": may_test and not approvals.refusal(request.user, delivery),
        "proofs": [_in_words(proof) for proof in found],
        "taken": _taken(found),
        **steps.context(request, delivery),
    }


def _sent(
    admin: PlainAdmin, request: HttpRequest, delivery: Delivery, form: Any
) -> list[proofs.Proof]:
    profile = None
    if text := form.cleaned_data["preview_profile"].replace("\0", "").strip():
        profile, problem = previews.found_profile(request, text)
        if problem:
            form.add_error("preview_profile", problem)
            return []
    try:
        found = proofs.send(delivery, form.cleaned_data["to"], profile=profile)
    except Refused as refused:
        # An address that is none is marked where it was typed.
        where = "to" if isinstance(refused, proofs.NoProof) else None
        errors.refuse(form, where, refused)
        return []
    admin.log_change(
        request,
        delivery,
        console_log.kept(gettext_noop("Proofs sent: {count}"), count=len(found)),
    )
    return found


def _in_words(proof: proofs.Proof) -> Facts:
    result = proof.result
    if result is None:
        said = _("Uncertain: the connection broke.")
    elif proof.is_taken:
        said = _("Taken by the server.")
    elif result.kind == Kind.LATER:
        said = _("Not taken now: {text}").format(text=_answer(result))
    else:
        said = _("Refused: {text}").format(text=_answer(result))
    return {"address": proof.address, "said": said, "is_taken": proof.is_taken}


def _answer(result: Any) -> str:
    return f"{result.code} {result.text}".strip()[:300]


def _taken(found: list[proofs.Proof]) -> str:
    count = sum(proof.is_taken for proof in found)
    text = ngettext(
        "{count} proof is on its way.", "{count} proofs are on their way.", count
    )
    return text.format(count=count) if count else ""
