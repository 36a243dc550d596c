"""Opting one person out and in, from buttons of their page.

Each page asks only what is needed, answers with a sentence, and offers *Undo*.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _, gettext_lazy

from audiences import consent, roles
from audiences.channels import FLAGS, Scope
from audiences.console import errors
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.models import ConsentEvent, Profile
from audiences.refusals import Refused

from .pages import TEMPLATE, operator
from .undo import say


class ScopeForm(forms.Form):
    """On which channel, and why; a channel alone needs no choice."""

    scope = forms.ChoiceField(label=gettext_lazy("Channel"), widget=forms.RadioSelect)
    note = forms.CharField(label=gettext_lazy("Note"), required=False)

    def __init__(self, *args: Any, scopes: list[Scope], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # None is chosen beforehand where there is a choice.
        field: Any = self.fields["scope"]
        field.choices = [(scope.value, scope.label) for scope in scopes]
        if len(scopes) == 1:
            self.initial["scope"] = scopes[0].value


class OptOutForm(ScopeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].help_text = _(
            "How the person asked for it. Kept in the consent history."
        )


class OptInForm(ScopeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].required = True
        self.fields["note"].help_text = _(
            "How the person asked for it. Kept in the consent history; nobody is "
            "opted in without it."
        )


def scopes(profile: Profile, *, opted_out: bool) -> list[Scope]:
    """The channels, any first, that the person is opted out of, or is not."""
    return [s for s, flag in FLAGS.items() if getattr(profile, flag) == opted_out]


@page(
    Profile,
    "opt_out",
    "view",
    roles.OPT_OUT,
    title=gettext_lazy("Opt out"),
    template=TEMPLATE,
)
def opt_out(own: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """Close a channel, or all of them."""
    open_ = scopes(profile, opted_out=False)
    form = OptOutForm(request.POST or None, scopes=open_)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        origin = operator(request, given["note"])
        return _answer(
            own, request, profile, consent.opt_out(profile, given["scope"], origin)
        )
    question = "" if open_ else _("The person is opted out of every channel already.")
    return _asked(profile, form, _("Opt out"), question)


@page(
    Profile,
    "opt_in",
    "view",
    roles.OPT_IN,
    title=gettext_lazy("Opt in"),
    template=TEMPLATE,
)
def opt_in(own: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """Open a channel again, with a note that says how the person asked for it."""
    closed = scopes(profile, opted_out=True)
    form = OptInForm(request.POST or None, scopes=closed)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            done = consent.opt_in(
                profile, given["scope"], operator(request, given["note"])
            )
        except Refused as refusal:
            errors.refuse(form, None, refusal)
        else:
            return _answer(own, request, profile, done)
    question = "" if closed else _("The person is opted out of nothing.")
    return _asked(profile, form, _("Opt in"), question)


def _asked(profile: Profile, form: Any, button: str, question: str) -> Answer:
    """The form; or why there is nothing to ask."""
    facts = {"profile": profile, "button": button}
    return facts | (
        {"question": question, "nothing": True} if question else {"form": form}
    )


def _answer(
    own: PlainAdmin, request: HttpRequest, profile: Profile, done: consent.Recorded
) -> HttpResponse:
    """Say what was done, with *Undo*; or that it was so already."""
    if done.event_id is None:
        messages.info(request, _("It was so already: nothing was changed."))
        return own.go_back(profile)
    event = ConsentEvent.objects.select_related("service").get(pk=done.event_id)
    return say(own, request, profile, event, warning=done.warning)
