"""What a delivery says: its only writer, for commands and the console alike.

Nothing of a delivery that is being sent, or was, is changed any more.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from audiences.refusals import Refused
from delivery.content import columns_of
from delivery.models import ContentVariant, Delivery
from delivery.models.contents import LANGUAGE

from . import headers

ENDINGS = (".md", ".html", ".htm", ".txt")
# Somebody waits while a text is read and checked, and mail programs cut off mails of
# half this size.
LARGEST = 200_000


class BadContent(Refused):
    """The content cannot be taken; the message says why and what to do."""


class BadLanguage(BadContent):
    """This is no code of a language."""


def read(path: Path) -> str:
    """The text of a file with a message; raises BadContent."""
    if path.suffix.lower() not in ENDINGS:
        raise BadContent(f"{path}: write it as {', '.join(ENDINGS)}.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadContent(f"{path}: {error.strerror or error}.") from error
    if len(data) > LARGEST:
        raise BadContent(f"{path} is larger than {LARGEST:,} bytes.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadContent(f"{path} is not UTF-8 (byte {error.start}).") from error
    if not text.strip():
        raise BadContent(f"{path} is empty.")
    if "\0" in text:
        raise BadContent(f"{path} contains a NUL character.")
    return text


# What a variant of a language has of its own; the rest is of the whole delivery.
TEXTS = ("subject", "preheader", "content")
OF_ALL = ("sender", "headers", "columns")


def set_content(
    delivery: Delivery,
    *,
    language: str = "",
    refusal: Callable[[Delivery], str] = lambda delivery: "",
    **facts: Any,
) -> bool:
    """Write what the delivery says to those with a language, or to everybody else.

    `facts` are TEXTS, and without a language OF_ALL; what is not given, or is None,
    stays. `refusal` says why the caller may not, asked while nobody can change the
    delivery. Returns whether anything is another than before; then it is not tested any
    more. Raises BadContent, BadHeader, ValidationError.
    """
    with transaction.atomic():
        row = _held(delivery, refusal)
        target: Delivery | ContentVariant = row
        if language:
            language = canonical(language)
            known = ContentVariant.objects.filter(delivery=row, language=language)
            target = known.first() or ContentVariant(delivery=row, language=language)
        changed = target.pk is None
        for name, value in facts.items():
            if value is not None or name == "sender":
                changed = changed or getattr(target, name) != value
                setattr(target, name, value)
        if not language:
            _check(row)
        if len(target.content) > LARGEST:
            text = _("The text has {count} characters; {most} are the most.")
            raise BadContent(
                text.format(count=f"{len(target.content):,}", most=f"{LARGEST:,}")
            )
        target.full_clean()
        if changed:
            target.save()
            _untested(row)
    return changed


def remove_variant(
    delivery: Delivery,
    language: str,
    *,
    refusal: Callable[[Delivery], str] = lambda delivery: "",
) -> bool:
    """Let those with the language read what everybody else reads; returns whether it
    had a variant. Raises BadContent."""
    with transaction.atomic():
        row = _held(delivery, refusal)
        found = ContentVariant.objects.filter(delivery=row, language=language)
        was_there = bool(found.delete()[0])
        if was_there:
            _untested(row)
    return was_there


def canonical(language: str) -> str:
    """The code as RFC 5646 (2.1.1) writes it: nl, en-GB; BadLanguage for none."""
    try:
        LANGUAGE(language)
    except ValidationError as error:
        raise BadLanguage(" ".join(error.messages)) from error
    first, *rest = language.split("-")
    places = [part.upper() if len(part) == 2 else part.title() for part in rest]
    return "-".join([first.lower(), *places])


def why_it_stands(delivery: Delivery) -> str:
    """Why nobody may change what the delivery says any more; empty when they may."""
    if not delivery.has_left:
        return ""
    text = _(
        "“{label}” is being sent, or was: its content stands. Duplicate it instead."
    )
    return text.format(label=delivery.label)


def _held(delivery: Delivery, refusal: Callable[[Delivery], str]) -> Delivery:
    """The row, while nobody else can change it or begin to send it."""
    row = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
    if refused := why_it_stands(row) or refusal(row):
        raise BadContent(refused)
    return row


def _check(row: Delivery) -> None:
    headers.own_headers(row.headers)
    row.columns = ",".join(columns_of(row.columns)) if row.columns else ""


def _untested(row: Delivery) -> None:
    Delivery.objects.filter(pk=row.pk).update(tested_at=None)
