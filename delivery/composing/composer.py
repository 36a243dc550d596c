"""The composer of a delivery: its messages in each language, ready to be spliced."""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime

from audiences.channels import Channel
from audiences.wording import page_texts
from delivery.models import Delivery
from delivery.transports import Outgoing

from . import contents
from .contents import Variant
from .emails import Mails
from .links import links_of, links_of_draft, links_of_test, links_of_view
from .message import Messages, Rendered
from .places import CannotCompose
from .recipients import Recipient, own_fields_in, with_own_facts
from .short import Notifications, TextMessages

_MESSAGES: dict[str, Callable[..., Messages]] = {
    Channel.EMAIL: Mails,
    Channel.SMS: TextMessages,
    Channel.PUSH: Notifications,
}
# The random part of a Message-ID, in bytes: nobody guesses one that bounces prove.
_RANDOM = 16


class Composer:
    """Composes the messages of one delivery, as it is when the composer is made.

    Make it anew for each minute or so: all its links say that they were made then. What
    a test says is marked; links of a test and of a copy change nothing.

    A `draft` is composed in place of what is saved, alone and as a copy: it is shown
    while somebody writes it, so a place that nobody can fill is shown as it stands.

    For a mail that is shown in the browser, `viewed_at` is when the link to it was
    signed: its links are no younger than that, and can only stop messages.
    """

    def __init__(
        self,
        delivery: Delivery,
        *,
        is_test: bool = False,
        is_copy: bool = False,
        draft: Variant | None = None,
        viewed_at: int = 0,
    ) -> None:
        """Raises CannotCompose with what is wrong and what to do."""
        make = _MESSAGES.get(delivery.channel)
        if make is None:
            raise CannotCompose(
                f"{delivery.label!r} is on the channel {delivery.channel}, which has "
                "no messages: its target leaves as a file."
            )
        if viewed_at:
            links = links_of_view(delivery, viewed_at)
        elif draft:
            links = links_of_draft(delivery)
        else:
            contents.check_sender(delivery)
            links = (links_of_test if is_test or is_copy else links_of)(
                delivery, fallback_return_path=contents.sender_of(delivery).address
            )
        variants = [contents.as_draft(draft)] if draft else None
        variants = variants or contents.variants_of(delivery)
        # What its texts say of people besides what everybody has.
        self._own = own_fields_in(
            text for v in variants for text in (v.subject, v.preheader, v.content)
        )
        self._by_code: dict[str, Messages] = {
            "" if draft else variant.language: make(
                delivery, variant, links, is_test=is_test
            )
            for variant in variants
        }
        self._chosen: dict[str, Messages] = {}

    def compose(self, people: Sequence[Recipient]) -> list[Outgoing]:
        """The message to each of these, in the same order, and to nobody else.

        Each says whom it is for in the language of that profile, where the delivery has
        it. No statements, but one where the texts name own fields.
        """
        people = with_own_facts(people, self._own)
        date = format_datetime(datetime.now(UTC)).encode()
        length = 2 * _RANDOM
        numbers = secrets.token_hex(_RANDOM * len(people))
        return [
            self._of(person.language).outgoing(
                person, numbers[at * length : (at + 1) * length], date
            )
            for at, person in enumerate(people)
        ]

    def rendered(self, person: Recipient) -> Rendered:
        """The message as this person reads it: for a preview, or in the browser."""
        [person] = with_own_facts([person], self._own)
        return self._of(person.language).rendered(person)

    def _of(self, language: str) -> Messages:
        found = self._chosen.get(language)
        if found is None:
            codes = [code for code in self._by_code if code]
            found = self._by_code[page_texts.closest(language, codes)]
            self._chosen[language] = found
        return found
