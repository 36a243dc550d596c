"""What a delivery says, written from a file; its only writer beside the console's form.

Nothing of a delivery that is being sent, or was, is changed any more.
"""

from pathlib import Path

from django.db import transaction

from audiences.refusals import Refused
from delivery.models import ContentVariant, Delivery

ENDINGS = (".md", ".html", ".htm", ".txt")
LARGEST = 1_000_000


class BadContent(Refused):
    """The content cannot be taken; the message says why and what to do."""


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


def set_content(
    delivery: Delivery,
    *,
    content: str,
    subject: str | None = None,
    preheader: str | None = None,
    language: str = "",
) -> None:
    """Write what the delivery says to those with a language, or to everybody else.

    What is not given stays. Raises BadContent, ValidationError.
    """
    with transaction.atomic():
        row = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
        if row.has_left:
            raise BadContent(
                f"{row.label!r} is being sent, or was: its content stands. Duplicate "
                "it instead."
            )
        target: Delivery | ContentVariant = row
        if language:
            known = ContentVariant.objects.filter(delivery=row, language=language)
            target = known.first() or ContentVariant(delivery=row, language=language)
        target.content = content
        if subject is not None:
            target.subject = subject
        if preheader is not None:
            target.preheader = preheader
        target.full_clean()
        target.save()
