"""The mails of a delivery, one variant at a time."""

import re
from collections.abc import Sequence

from django.conf import settings

from audiences import organisation, outbox
from audiences.addresses.outgoing import as_sent
from audiences.models import Organisation
from audiences.wording import page_texts
from delivery.content import VIEW_LINK, WAYS_OUT
from delivery.models import Delivery
from delivery.transports import Outgoing

from . import contents, filling, headers, mail, markup
from .contents import From, Variant
from .links import Links
from .message import LinkBook, Rendered
from .places import Marks, Place, names_in
from .recipients import Recipient
from .splicing import Facts

_SENDER_ID = re.compile(r"[^a-z0-9]+")


class Mails:
    """The mails of a variant, made ready: each is spliced from it."""

    def __init__(
        self, delivery: Delivery, variant: Variant, links: Links, *, is_test: bool
    ) -> None:
        self._links = links
        self._book = LinkBook(links)
        self._marks = Marks()
        self._channel = delivery.channel
        sender = contents.sender_of(delivery)
        self._domain = sender.domain
        subject = headers.one_line(variant.subject)
        language = variant.language or settings.LANGUAGE_CODE
        words = page_texts.texts(outbox.closest_language(language))["mails"]["frame"]
        if is_test:
            subject = f"{words['test']} {subject}"
        self._marked = markup.build(
            variant.content,
            subject=subject,
            preheader=headers.one_line(variant.preheader),
            marks=self._marks,
            frame=self._frame(delivery, variant, sender, words, language),
        )
        numbers = (-1, -1)
        if _can_be_stopped(delivery):
            numbers = (
                self._book.number(links.one_click),
                self._book.number(links.mailto),
            )
        self._mail = mail.build(
            self._marked,
            self._marks.put(subject),
            marks=self._marks,
            index=self._book.index,
            envelope=_envelope(delivery, variant, sender),
            unsubscribing=mail.Unsubscribing(*numbers),
            language=variant.language,
        )

    def _frame(
        self,
        delivery: Delivery,
        variant: Variant,
        sender: From,
        words: dict[str, str],
        language: str,
    ) -> markup.Frame:
        """The organisation, and those links that the message does not have itself."""
        own = organisation.organisation()
        said = names_in(variant.content)
        of = self._marks.of
        links = []
        if _can_be_stopped(delivery):
            links = [
                (words[name.removesuffix("_link")], of(Place(name)))
                for name in WAYS_OUT
                if name not in said
            ]
        if own.privacy_url:
            links.append((words["privacy"], own.privacy_url))
        return markup.Frame(
            language,
            words,
            brand=own.name.strip(),
            sender=_lines_of(own, sender),
            links=links,
            view_link="" if VIEW_LINK in said else of(Place(VIEW_LINK)),
            button=(own.brand_colour, own.text_on_brand),
        )

    def outgoing(self, recipient: Recipient, number: str, date: bytes) -> Outgoing:
        """The mail to one recipient; `number` is a random text for its Message-ID."""
        profile_id = recipient.profile_id
        address = as_sent(self._channel, recipient.address, recipient.key)
        facts = Facts(
            profile_id,
            recipient.fields,
            self._book.links(recipient),
            address,
            f"<{number}@{self._domain}>",
            date,
        )
        facts.subject = self._mail.subject(facts)
        return Outgoing(
            profile_id,
            address,
            self._mail.spliced.of(facts),
            self._links.return_path(profile_id, recipient.key).decode(),
            facts.message_id,
            not address.isascii(),
            facts.subject,
        )

    def rendered(self, recipient: Recipient) -> Rendered:
        """The mail as the recipient reads it."""
        links = self._book.links(recipient)
        facts = Facts(recipient.profile_id, recipient.fields, links)

        def said(text: str, say: filling.SayAfter) -> str:
            return filling.texts_of(text, self._marks, say, self._book.index)(facts)

        return Rendered(
            self._mail.subject(facts),
            said(self._marked.text, filling.say_in_text),
            said(self._marked.html, filling.say_in_html),
        )


def _can_be_stopped(delivery: Delivery) -> bool:
    return bool(delivery.purpose == Delivery.Purpose.MARKETING or delivery.service_id)


def _lines_of(own: Organisation, sender: From) -> Sequence[str]:
    """Who sends, as stands below each mail."""
    address = own.postal_address.splitlines()
    lines = [own.name or sender.name, *address, own.contact]
    return [line.strip() for line in lines if line.strip()]


def _envelope(delivery: Delivery, variant: Variant, sender: From) -> mail.Envelope:
    service = delivery.service
    list_id = b""
    if service:
        place = f"{service.slug}.{sender.domain}".lower()
        label = service.label_in(variant.language)
        list_id = headers.mailbox(label, place, "List-Id")
    about = service.slug if service else delivery.purpose
    # Gmail: at most three parts, and the sender's own of 5 to 15 characters.
    own = _SENDER_ID.sub("-", sender.domain.lower()).strip("-")[:15]
    return mail.Envelope(
        sender.name,
        sender.address,
        sender.reply_to,
        list_id,
        f"{delivery.pk}:{about}:{variant.language or 'other'}:{own.ljust(5, '0')}",
        headers.own_headers(delivery.headers),
    )
