"""The operators' pages of landing pages, as tests open and fill them in."""

import io
from html.parser import HTMLParser
from typing import Any

from django import forms
from django.contrib.admin import widgets
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from PIL import Image

from audiences import landing_pages
from audiences.models import LandingPage, Service


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:audiences_landingpage_{name}", args=args)


def made(kind: str = "preferences", slug: str = "", **facts: Any) -> LandingPage:
    """A draft from the built-in template."""
    service = None
    if kind == "subscription":
        service = Service.objects.create(slug="n", label="News", channel="email")
    page = landing_pages.create(slug or kind, kind=kind, service=service)
    for name, value in facts.items():
        setattr(page, name, value)
    page.save()
    return page


def shown_values(client: Client, page: LandingPage) -> dict[str, Any]:
    """What the browser would post if the operator changed nothing."""
    form = client.get(url("change", page.pk)).context["adminform"].form
    posted: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        field = bound.field
        if isinstance(field.widget, widgets.AdminSplitDateTime):
            for number, part in enumerate(field.widget.decompress(value)):
                posted[f"{bound.html_name}_{number}"] = str(part or "")
        elif isinstance(field, forms.FileField):
            continue
        elif isinstance(field, forms.BooleanField):
            if value:
                posted[bound.html_name] = "on"
        elif isinstance(value, list | tuple):
            posted[bound.html_name] = [getattr(v, "pk", v) for v in value]
        else:
            posted[bound.html_name] = "" if value is None else str(value)
    return posted


def save(client: Client, page: LandingPage, **changed: Any) -> HttpResponse:
    """Save the draft with some fields changed; None leaves a field out."""
    posted = {**shown_values(client, page), "_continue": "1", **changed}
    kept = {name: value for name, value in posted.items() if value is not None}
    return client.post(url("change", page.pk), kept)  # type: ignore[return-value]


def publish(client: Client, page: LandingPage, **posted: Any) -> HttpResponse:
    """Publish as the button does, with what the page showed."""
    shown = client.get(url("publish", page.pk))
    seen = {"seen": shown.context["seen"]} if shown.context else {}
    return client.post(url("publish", page.pk), seen | posted)  # type: ignore[return-value]


def errors_of(answer: Any) -> dict[str, list[str]]:
    """The errors of the form that came back, by field."""
    return {n: list(e) for n, e in answer.context["adminform"].form.errors.items()}


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "#1a56a8").save(stream, kind)
    return stream.getvalue()


class Running(HTMLParser):
    """Finds what a browser would run or load because of a stored text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_script = tag == "script"
        for name, value in attrs:
            text = (value or "").strip().lower()
            if name.startswith("on"):
                self.found.append(f"<{tag} {name}={value}>")
            if name in ("href", "src", "action", "formaction", "data", "xlink:href"):
                scheme = "".join(c for c in text.split(":")[0] if c > " ")
                if ":" in text and scheme not in ("http", "https", "mailto", "tel"):
                    self.found.append(f"<{tag} {name}={value}>")
                if "evil.example" in text and tag != "a":
                    self.found.append(f"<{tag} {name}={value}>")
            if name == "style" and "evil" in text:
                self.found.append(f"<{tag} style={value}>")

    def handle_endtag(self, tag: str) -> None:
        self.in_script = False

    def handle_data(self, data: str) -> None:
        if self.in_script and "alert(1)" in data:
            self.found.append(f"<script>{data}")


def what_runs(html: str) -> list[str]:
    parser = Running()
    parser.feed(html)
    return parser.found
