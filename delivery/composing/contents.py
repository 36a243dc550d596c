"""What a delivery says in each language, and whom it is from, checked."""

from dataclasses import dataclass
from email.utils import parseaddr

from django.conf import settings
from django.utils.translation import gettext as _

from audiences.channels import Channel
from audiences.organisation import organisation
from delivery.models import Delivery

from . import places
from .places import CannotCompose


@dataclass(frozen=True)
class Variant:
    """What is said in a language; that of everybody else has no language."""

    language: str
    subject: str
    preheader: str
    content: str


@dataclass(frozen=True)
class From:
    """Whom the mails of a delivery are from."""

    name: str
    address: str
    reply_to: str = ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def variants_of(delivery: Delivery) -> list[Variant]:
    """What the delivery says, that for everybody else first; raises CannotCompose.

    Each needs a content, and on email a subject. A place that nobody can fill is
    refused.
    """
    found = [Variant("", delivery.subject, delivery.preheader, delivery.content)]
    found += [
        Variant(row.language, row.subject, row.preheader, row.content)
        for row in delivery.variants.order_by("language")
    ]
    for variant in found:
        _check(delivery, variant)
    return found


def as_draft(variant: Variant) -> Variant:
    """The variant as it can be shown, whatever is wrong with it."""
    texts = (variant.subject, variant.preheader, variant.content)
    return Variant(variant.language, *map(places.with_mistakes_shown, texts))


def _check(delivery: Delivery, variant: Variant) -> None:
    where = f"“{delivery.label}”"
    if variant.language:
        where = _("{delivery} in {language}").format(
            delivery=where, language=variant.language
        )
    if not variant.content.strip():
        raise _mended_in(
            delivery, _("{where}: the content is empty."), where, "content"
        )
    if delivery.channel == Channel.EMAIL and not variant.subject.strip():
        raise _mended_in(
            delivery, _("{where}: the subject is empty."), where, "subject"
        )
    try:
        places.check(where, variant.subject, variant.preheader, variant.content)
    except CannotCompose as refused:
        raise refused.mended_by("content", delivery.pk, "content") from None


def _mended_in(delivery: Delivery, text: str, where: str, field: str) -> CannotCompose:
    refused = CannotCompose(text.format(where=where))
    return refused.mended_by("content", delivery.pk, field)


def sender_of(delivery: Delivery) -> From:
    """Whom the delivery is from: its sender, or that of the settings.

    Raises CannotCompose when that of the settings is no address.
    """
    row = delivery.sender
    if row is None:
        name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
        if "@" not in address or not address.isascii():
            text = _(
                "DEFAULT_FROM_EMAIL is “{address}”: a mail is from a plain address, "
                "whose domain is written as xn--…. Choose a sender instead."
            )
            refused = CannotCompose(text.format(address=settings.DEFAULT_FROM_EMAIL))
            raise refused.mended_by("senders")
        return From(name or organisation().name, address)
    return From(row.name, row.address, row.reply_to)


def check_sender(delivery: Delivery) -> None:
    """Raise CannotCompose when the delivery's sender may not be used any more."""
    row = delivery.sender
    if row is not None and not row.is_active:
        text = _(
            "“{label}” is from {sender}, a sender that is switched off: choose another "
            "one."
        )
        refused = CannotCompose(text.format(label=delivery.label, sender=row))
        raise refused.mended_by("content", delivery.pk, "sender")
