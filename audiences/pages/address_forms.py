"""Where a visitor writes an address, a number or an id."""

from typing import Any

from django import forms

from audiences import addresses
from audiences.channels import Channel
from audiences.landing_pages import Content
from audiences.models.profiles import LONGEST_EXTERNAL_ID
from audiences.wording import page_texts

from .page_form import PageForm


class AddressField(forms.CharField):
    """An address, a number or an id that a visitor gives; nothing is looked up."""

    def __init__(self, by: str, language: str, *, required: bool = True) -> None:
        attrs, longest = _ADDRESS_WIDGETS[by]
        label = page_texts.text(language, f"unidentified.{by}")
        widget = forms.TextInput(attrs=attrs)
        super().__init__(
            label=label, max_length=longest, widget=widget, required=required
        )
        self.by, self.language = by, language

    def clean(self, value: Any) -> str:
        text = str(super().clean(value)).strip()
        if text and self.by in Channel.values:
            try:
                addresses.normalise(self.by, text)
            except addresses.InvalidAddress as error:
                wrong = page_texts.text(self.language, f"unidentified.wrong_{self.by}")
                raise forms.ValidationError(wrong) from error
        return text


_ADDRESS_WIDGETS: dict[str, tuple[dict[str, str], int]] = {
    "email": ({"type": "email", "autocomplete": "email", "inputmode": "email"}, 254),
    "sms": ({"type": "tel", "autocomplete": "tel", "inputmode": "tel"}, 40),
    "external_id": ({"autocomplete": "off"}, LONGEST_EXTERNAL_ID),
}


class AddressForm(PageForm):
    """Where a visitor without a personal link gets one."""

    typed = "address"

    def __init__(self, *args: Any, content: Content, language: str, **kwargs: Any):
        super().__init__(*args, language=language, **kwargs)
        self.by = content["reconciles_by"]
        self.fields["address"] = AddressField(self.by, language)
