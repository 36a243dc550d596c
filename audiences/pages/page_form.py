"""What every form of a public page has in common."""

from typing import Any

from crispy_forms.helper import FormHelper
from django import forms

from audiences.wording import page_texts


class PageForm(forms.Form):
    """A form in the language of the page; its template has the form tag and button."""

    def __init__(self, *args: Any, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language = language
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the signed link stands for it

    def text(self, path: str, **values: object) -> str:
        return page_texts.text(self.language, path, **values)


class ShownNow(forms.HiddenInput):
    """A hidden field that says what is true now, also in a form that comes back."""

    def __init__(self, now: str) -> None:
        super().__init__()
        self.now = now

    def format_value(self, value: Any) -> str:
        return self.now
