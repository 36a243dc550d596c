"""Inputs of the form of a landing page: colours, and Markdown with its preview."""

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from audiences.wording.markdown import to_html


class ColourInput(forms.TextInput):
    """The browser's own input for colours; it always gives #rrggbb."""

    input_type = "color"


class MarkdownArea(forms.Textarea):
    """Markdown, and beside it what visitors see; a script keeps it up to date.

    Empty means the built-in text, so that is shown then.
    """

    def __init__(self, built_in: str = "") -> None:
        super().__init__({"rows": 5, "placeholder": built_in})
        self.built_in = built_in

    def render(
        self, name: str, value: Any, attrs: Any = None, renderer: Any = None
    ) -> SafeString:
        area = super().render(name, value, attrs, renderer)
        written = str(value or "").strip() or self.built_in
        return format_html(
            '<div class="markdown">{}'
            '<div class="as-seen" data-preview-of="{}" data-built-in="{}">'
            '<p class="quiet">{}</p><div class="seen" aria-live="off">{}</div>'
            "</div></div>",
            area,
            (attrs or {}).get("id", ""),
            self.built_in,
            _("As visitors see it"),
            mark_safe(to_html(written)),  # noqa: S308  (sanitised)
        )
