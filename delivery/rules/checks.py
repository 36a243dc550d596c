"""The checks of a message: what recipients, the law and mail servers expect of it."""

import re
from collections.abc import Iterable

from django.utils.translation import gettext_noop as _

from audiences.channels import Channel
from audiences.links import Link, one_click_url
from audiences.organisation import organisation
from audiences.wording.placeholders import fill_by, places
from delivery.content import (
    LINKS,
    PLACE,
    WAYS_OUT,
    fallback_of,
    field_of,
    filter_in,
    known_fields,
    sms_segments,
)
from delivery.models import Delivery
from delivery.rules import reading
from delivery.rules.controls import Fault, Severity, check

SMS_SEGMENTS = 3


@check(
    "content_present",
    _("Subject and content are present"),
    Severity.ERROR,
    is_native=True,
    # Where a typology has it, content that is elsewhere is missed.
    by_default=False,
)
def _content_present(delivery: Delivery) -> Iterable[Fault]:
    if delivery.channel == Channel.EMAIL and not delivery.subject.strip():
        yield Fault(_("The subject is empty."))
    if not delivery.content.strip():
        yield Fault(_("The content is empty."))


@check(
    "unsubscribe_link",
    _("Marketing has an unsubscribe link"),
    Severity.ERROR,
    is_native=True,
    channels=(Channel.EMAIL,),
)
def _unsubscribe_link(delivery: Delivery) -> Iterable[Fault]:
    if delivery.purpose != Delivery.Purpose.MARKETING or not delivery.content.strip():
        return
    message = _read(delivery)
    offered = {field_of(message.places[number]) for number in message.offered}
    if set(WAYS_OUT) & offered:
        return
    if set(WAYS_OUT) & {field_of(place) for place in message.places}:
        yield Fault(
            _(
                "Nobody sees the unsubscribe link: it is in a comment, is hidden, or "
                "has nothing to click on."
            )
        )
        return
    yield Fault(_("Marketing needs {{ unsubscribe_link }} or {{ preferences_link }}."))


def _read(delivery: Delivery) -> reading.Message:
    return reading.read(delivery.content, is_email=delivery.channel == Channel.EMAIL)


@check("known_fields", _("Personal fields are known"), Severity.ERROR, is_native=True)
def _known_fields(delivery: Delivery) -> Iterable[Fault]:
    found = places(" ".join(_said(delivery)))
    known = known_fields() if found else ()
    for place in found:
        name = field_of(place)
        if name not in known:
            yield Fault(
                _("%(field)s is not a field. There are: %(known)s."),
                field=f"{{{{ {name} }}}}",
                known=", ".join(known),
            )
            continue
        if name_of_filter := filter_in(place):
            yield Fault(
                _(
                    "%(field)s has the unknown filter %(filter)s. After | stands what "
                    "is said where the field is empty."
                ),
                field=f"{{{{ {place.strip()} }}}}",
                filter=name_of_filter,
            )
    yield from _broken_places(delivery)


def _said(delivery: Delivery) -> tuple[str, ...]:
    return delivery.subject, delivery.preheader, delivery.content


# A style sheet ends in }} and has 100%}, but never begins like this.
_BEGUN = re.compile(r"\{\{|\{%")
_AROUND = re.compile(r"\{\{\{[^{}]*\}\}\}?")


def _broken_places(delivery: Delivery) -> Iterable[Fault]:
    """Braces that are no place: readers would see them."""
    for text in _said(delivery):
        rest = PLACE.sub("", text)
        for found in _BEGUN.finditer(rest):
            shown = " ".join(rest[found.start() : found.start() + 40].split())
            if found[0] == "{%":
                template = _("“%(text)s”: {%% … %%} means nothing here, only {{ … }}.")
            else:
                template = _("“%(text)s” is left open: a field ends with }}.")
            yield Fault(template, text=shown)
    for text in _said(delivery):
        for found in _AROUND.finditer(text):
            template = _("“%(text)s” has one brace too many: readers would see it.")
            yield Fault(template, text=found[0])
    *short, _content = _said(delivery)
    for text in (*(PLACE.sub("", said) for said in short), _read(delivery).text):
        if "}}" in text and "{{" not in text:
            yield Fault(_("“}}” has no beginning: a field begins with {{."))


@check(
    "sms_length",
    _("The SMS is not too long"),
    Severity.WARNING,
    channels=(Channel.SMS,),
)
def _sms_length(delivery: Delivery) -> Iterable[Fault]:
    encoding, segments = sms_segments(_measured(delivery))
    if segments > SMS_SEGMENTS:
        yield Fault(
            _(
                "The SMS takes %(segments)s segments in %(encoding)s; the most is "
                "%(most)s. Personal fields make it longer still."
            ),
            segments=segments,
            encoding=encoding,
            most=SMS_SEGMENTS,
        )


def _measured(delivery: Delivery) -> str:
    """The text with its links as long as they will be, and its fallbacks."""

    def said(place: str) -> str:
        if field_of(place) in LINKS:
            link = Link(1_000_000, delivery.channel, delivery.service_id, delivery.pk)
            return one_click_url(link)
        return fallback_of(place)

    return fill_by(delivery.content.strip(), said)


@check("https_links", _("Links are https"), Severity.WARNING, is_native=True)
def _https_links(delivery: Delivery) -> Iterable[Fault]:
    for link in dict.fromkeys(_read(delivery).links):
        if link.lower().startswith("http:"):
            yield Fault(_("The link %(link)s is not https."), link=link[:100])


@check(
    "postal_address",
    _("Marketing says where you are"),
    Severity.WARNING,
    is_native=True,
    channels=(Channel.EMAIL,),
)
def _postal_address(delivery: Delivery) -> Iterable[Fault]:
    """CAN-SPAM, 15 U.S.C. 7704(a)(5): a valid physical postal address of the sender."""
    if delivery.purpose != Delivery.Purpose.MARKETING or not delivery.content.strip():
        return
    if not organisation().postal_address.strip():
        yield Fault(
            _(
                "Mails do not say where you are: the organisation has no postal "
                "address. Give it one in Settings."
            )
        )
