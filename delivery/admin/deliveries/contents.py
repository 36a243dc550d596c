"""The step *Content*: what a delivery says, in each language, beside how it is read.

What is shown is made by the composer that makes what is sent. A text to start from and
a new language only fill in the form: nothing is kept before somebody saves it.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import (
    get_language,
    gettext as _,
    gettext_lazy,
    gettext_noop,
)

from audiences.channels import Channel
from audiences.console import errors
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.records import console_log
from audiences.refusals import Refused
from delivery import approvals
from delivery.composing import headers, starters, writing
from delivery.content import columns_of
from delivery.models import ContentVariant, Delivery, Sender
from delivery.models.contents import LONGEST_PREHEADER, LONGEST_SUBJECT

from . import inserting, previews, steps
from .meanwhile import Meanwhile, mark_of_content

# What is written on a channel, and what of it each language has of its own.
FIELDS: dict[str, tuple[str, ...]] = {
    Channel.EMAIL: ("sender", "subject", "preheader", "content", "headers"),
    Channel.SMS: ("content",),
    Channel.PUSH: ("subject", "content"),
}
BY_FILE = ("columns",)


class ContentForm(forms.Form):
    """What one language reads; without one also what all languages share."""

    sender = forms.ModelChoiceField(
        queryset=Sender.objects.all(),
        required=False,
        label=gettext_lazy("Sender"),
        empty_label=gettext_lazy("The one of the settings"),
    )
    subject = forms.CharField(
        label=gettext_lazy("Subject"), max_length=LONGEST_SUBJECT, required=False
    )
    preheader = forms.CharField(
        label=gettext_lazy("Preheader"),
        max_length=LONGEST_PREHEADER,
        required=False,
        help_text=gettext_lazy(
            "What mail programs show beside the subject, before it is opened."
        ),
    )
    content = forms.CharField(
        label=gettext_lazy("Text"),
        required=False,
        strip=False,
        max_length=writing.LARGEST,
        widget=forms.Textarea({"rows": 22, "spellcheck": "true"}),
    )
    headers = forms.CharField(
        label=gettext_lazy("Further headers"),
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text=gettext_lazy(
            "One a line, such as X-Campaign: spring. Those that Campaign writes itself "
            "cannot be given."
        ),
    )
    columns = forms.MultipleChoiceField(
        label=gettext_lazy("Columns of the file"),
        choices=inserting.columns,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one column.")},
    )

    def __init__(self, *args: Any, delivery: Delivery, language: str, **rest: Any):
        super().__init__(*args, **rest)
        wanted = FIELDS.get(delivery.channel, BY_FILE)
        if language:
            wanted = tuple(name for name in wanted if name in writing.TEXTS)
        self.fields = {name: self.fields[name] for name in wanted}
        if "sender" in self.fields:
            self.fields["sender"].queryset = _senders(delivery)  # type: ignore[attr-defined]
        if delivery.channel == Channel.PUSH:
            self.fields["subject"].label = _("Title")
            self.fields["content"].help_text = _(
                "A web address on a line of its own is where a click leads."
            )

    def clean_headers(self) -> str:
        text: str = self.cleaned_data["headers"]
        try:
            headers.own_headers(text)
        except Refused as refused:
            raise ValidationError(str(refused)) from refused
        return text

    def clean_content(self) -> str:
        text: str = self.cleaned_data["content"]
        return text.replace("\r\n", "\n")

    def clean_columns(self) -> str:
        return ",".join(self.cleaned_data["columns"])


def _senders(delivery: Delivery) -> QuerySet[Sender]:
    """Those that may be chosen, and the one that it has."""
    return Sender.objects.filter(Q(is_active=True) | Q(pk=delivery.sender_id))


def _language(query: QueryDict) -> str:
    """The language whose text is written; empty for everybody else."""
    text = query.get("language", "").strip()
    return writing.canonical(text) if text else ""


@page(Delivery, "content", "view", title=gettext_lazy("Content"))
def content(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """The form of one language beside the message; a POST keeps it."""
    try:
        language = _language(request.GET)
    except Refused as refused:
        messages.error(request, str(refused))
        return _to(delivery)
    variant = _variant(delivery, language)
    theirs: list[tuple[str, str]] = []
    may_write = admin.has_change_permission(request, delivery)
    posted = request.POST if request.method == "POST" else None
    form = ContentForm(
        posted,
        delivery=delivery,
        language=language,
        initial=_initial(request, delivery, language, variant),
    )
    if posted is not None:
        if not may_write:
            raise PermissionDenied
        guard = Meanwhile(language, posted.get("seen", ""), posted.dict())
        if form.is_valid() and _kept(admin, request, delivery, guard, form):
            return redirect(steps.next_url(posted) or _to(delivery, language).url)
        delivery.refresh_from_db()
        theirs = [
            (str(form[n].label), text)
            for n, text in guard.theirs.items()
            if n in form.fields
        ]
    if not may_write:
        for field in form.fields.values():
            field.disabled = True
    return {
        "delivery": delivery,
        "form": form,
        "language": language,
        "theirs": theirs,
        "seen": mark_of_content(delivery, language),
        "is_new": bool(language) and variant is None,
        "may_write": may_write,
        "stands": "" if may_write else writing.why_it_stands(delivery),
        "is_email": delivery.channel == Channel.EMAIL,
        "by_message": delivery.channel in FIELDS,
        "tabs": inserting.tabs(delivery, language),
        "languages": inserting.other_languages(delivery, language),
        "starters": _starters(delivery, language, variant) if may_write else [],
        "inserts": inserting.inserts(delivery) if may_write else [],
        "preview_url": reverse("admin:delivery_delivery_preview", args=[delivery.pk]),
        **steps.context(request, delivery),
    }


def _variant(delivery: Delivery, language: str) -> ContentVariant | None:
    return delivery.variants.filter(language=language).first() if language else None


def _to(delivery: Delivery, language: str = "") -> HttpResponseRedirect:
    url = reverse("admin:delivery_delivery_content", args=[delivery.pk])
    return redirect(f"{url}?language={language}" if language else url)


def _initial(
    request: HttpRequest,
    delivery: Delivery,
    language: str,
    variant: ContentVariant | None,
) -> Facts:
    """What the form begins with: a text to start from, else what is kept.

    A new language begins with what everybody else reads.
    """
    kept = variant or delivery
    found: Facts = {name: getattr(kept, name) for name in writing.TEXTS}
    found |= {name: getattr(delivery, name) for name in ("sender", "headers")}
    found["columns"] = list(columns_of(delivery.columns))
    chosen = request.GET.get("start", "")
    for each in starters.starters(delivery.channel, _spoken(language)):
        if each.code == chosen:
            found |= {name: getattr(each, name) for name in writing.TEXTS}
    return found


def _spoken(language: str) -> str:
    return language or get_language() or ""


def _kept(
    admin: PlainAdmin,
    request: HttpRequest,
    delivery: Delivery,
    guard: Meanwhile,
    form: ContentForm,
) -> bool:
    """Keep what was posted; what is refused stands beside its field."""
    language = guard.language
    try:
        changed = writing.set_content(
            delivery,
            language=language,
            refusal=lambda row: (
                approvals.refusal(request.user, row) or guard.refusal(row)
            ),
            **form.cleaned_data,
        )
    except Refused as refused:
        errors.refuse(form, None, refused)
        return False
    except ValidationError as error:
        for name, faults in error.message_dict.items():
            form.add_error(name if name in form.fields else None, faults)
        return False
    if changed:
        approvals.written([delivery], user=request.user)
        said = gettext_noop("Changed what it says.")
        if language:
            text = gettext_noop("Changed what it says ({language}).")
            said = console_log.kept(text, language=language)
        admin.log_change(request, delivery, said)
    delivery.refresh_from_db()
    faults = previews.faults_of(delivery, language)
    is_empty = not language and not delivery.content.strip()
    if is_empty and delivery.channel in FIELDS:
        text = _("Saved. It says nothing yet: it cannot be sent without a content.")
        messages.warning(request, text)
    elif faults:
        text = _("Saved. It cannot be sent like this yet: see what was found.")
        messages.warning(request, text)
    else:
        messages.success(request, _("Saved."))
    return True


@page(Delivery, "content_remove", "change", method="POST")
def remove(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """Remove a language: its readers get what everybody else does."""
    language = request.POST.get("language", "")
    try:
        was_there = writing.remove_variant(
            delivery,
            language,
            refusal=lambda row: approvals.refusal(request.user, row),
        )
    except Refused as refused:
        messages.error(request, str(refused))
        return _to(delivery, language)
    if was_there:
        approvals.written([delivery], user=request.user)
        text = gettext_noop("Removed its text in {language}.")
        admin.log_change(request, delivery, console_log.kept(text, language=language))
        messages.success(request, _("Removed."))
    return _to(delivery)


def _starters(
    delivery: Delivery, language: str, variant: ContentVariant | None
) -> list[starters.Starter]:
    """Texts to start from, where nothing is written yet."""
    kept = variant.content if language and variant else delivery.content
    is_empty = not kept.strip() or (bool(language) and variant is None)
    found = starters.starters(delivery.channel, _spoken(language))
    return found if is_empty else []
