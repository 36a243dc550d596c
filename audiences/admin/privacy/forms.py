"""Forms of the protection officer."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from audiences.console.moments import MomentField
from audiences.models import PrivacyRequest
from audiences.suppression import ErasedFor

_LONG = forms.Textarea(attrs={"rows": 3})


class RecordForm(forms.Form):
    """What a person wrote or said, and when it was received."""

    kind = forms.ChoiceField(label=_("What is asked for"), choices=PrivacyRequest.Kind)
    received_at = MomentField(
        label=_("Received"),
        required=False,
        help_text=_("Empty: now. The answer is due a month later."),
    )
    text = forms.CharField(
        label=_("What the person wrote"), required=False, max_length=4_000, widget=_LONG
    )


class DecideForm(forms.Form):
    """What is decided, and what the person reads about it."""

    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=4_000,
        widget=_LONG,
        help_text=_("The person reads it in the answer. A refusal needs its reason."),
    )


class EraseForm(forms.Form):
    """Why somebody is erased; it decides what their addresses keep."""

    reason = forms.ChoiceField(
        label=_("Why"),
        choices=ErasedFor.choices,
        help_text=_(
            "At the person's own wish nothing is ever sent to their addresses again. "
            "Otherwise only what was opted out or in quarantine stays so."
        ),
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=1_000,
        widget=_LONG,
        help_text=_("It stays in the history, without what names the person."),
    )
    sure = forms.BooleanField(label=_("I know that this cannot be undone"))


class MonthsForm(forms.Form):
    """For how many months a kind of data is kept."""

    months = forms.IntegerField(
        label=_("Months"),
        required=False,
        min_value=1,
        max_value=1_200,
        widget=forms.NumberInput(attrs={"class": "vSmallField"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["months"].widget.attrs["aria-label"] = str(_("Months"))
