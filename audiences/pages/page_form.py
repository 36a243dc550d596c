"""What every form of a public page has in common."""

import json
from collections.abc import Iterable
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.utils.functional import cached_property

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

    @property
    def asks_for_something(self) -> bool:
        """Whether a field is marked as required, so that the mark is explained."""
        return any(field.required for field in self.fields.values())

    def say_what_is_optional(self) -> None:
        """Say it at each field that may stay empty; boxes and choices say it alone."""
        for field in self.fields.values():
            # Several boxes are a RadioSelect too, as Django has it.
            is_typed = not isinstance(
                field.widget, (forms.CheckboxInput, forms.RadioSelect)
            )
            if is_typed and not field.required and not field.widget.is_hidden:
                field.label = self.text("page.optional", label=field.label)

    # ------------------------------------------------------------ a form that is older
    def keep(self, names: Iterable[str]) -> None:
        """Keep in the form what these fields said when it was made."""
        said = json.dumps({name: self._as_shown(name) for name in names})
        self.fields["said"] = forms.CharField(required=False, widget=ShownThen(said))

    def is_touched(self, name: str) -> bool:
        """Whether the visitor changed a field; so it is where the form does not say."""
        then = self._said.get(name)
        return then is None or then != self.data.get(name, "")

    @cached_property
    def _said(self) -> dict[str, Any]:
        try:
            said = json.loads(self.data.get("said", ""))
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}

    def _as_shown(self, name: str) -> str:
        field = self.fields[name]
        value = field.prepare_value(self.get_initial_for_field(field, name))
        shown = field.widget.format_value(value)
        if isinstance(shown, list):
            shown = shown[0] if shown else ""
        return str("" if shown is None else shown)


class ShownThen(forms.HiddenInput):
    """A hidden field that says what was true when the form was made.

    Also in one that comes back: what changed meanwhile, its visitor has not seen.
    """

    def __init__(self, now: str) -> None:
        super().__init__()
        self.now = now

    def format_value(self, value: Any) -> str:
        return self.now if value is None else str(value)
