"""Forms for what visitors ask and tell besides: how often, and why they left."""

from typing import Any

from django import forms

from audiences.models import LeavingReason
from audiences.models.wishes import LONGEST_REASON
from audiences.visits.wishing import Wish

from .page_form import PageForm, ShownThen


def add_wish(form: PageForm, present: Wish) -> None:
    """How often messages may come; the form says which choice was shown as true."""
    form.fields["wish"] = forms.ChoiceField(
        label=form.text("wish.title"),
        choices=[(wish, form.text(f"wish.{wish}")) for wish in Wish],
        widget=forms.RadioSelect,
        required=False,
        initial=present,
    )
    form.fields["wish_shown"] = forms.CharField(
        required=False, widget=ShownThen(present)
    )


class ReasonForm(PageForm):
    """Why somebody left: a few choices, and their own words. Nothing is needed."""

    def __init__(self, *args: Any, language: str, **kwargs: Any) -> None:
        super().__init__(*args, language=language, **kwargs)
        reasons = LeavingReason.Reason
        self.fields["reason"] = forms.ChoiceField(
            label=self.text("reason.choose"),
            choices=[(code, self.text(f"reason.{code}")) for code in reasons.values],
            widget=forms.RadioSelect,
            required=False,
        )
        self.fields["words"] = forms.CharField(
            label=self.text("reason.text"),
            help_text=self.text("reason.hint"),
            required=False,
            widget=forms.Textarea(attrs={"rows": 3, "maxlength": LONGEST_REASON}),
        )
