"""Proofs: a delivery as it will be, to own addresses, before it is sent (F7).

A proof is marked as a test. It is no message: nothing records it, no rule counts it,
and its links change nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import addresses
from audiences.addresses import trial
from audiences.models import Profile
from audiences.refusals import Refused
from delivery.composing import Composer, Recipient, as_recipient, example, recipients
from delivery.models import Delivery
from delivery.transports import Kind, Result, Uncertain, transport_for

MOST = 20


class NoProof(Refused):
    """The proof cannot be sent; the message says why and what to do."""


@dataclass(frozen=True)
class Proof:
    """What became of a proof to one address."""

    address: str
    result: Result | None

    @property
    def is_taken(self) -> bool:
        return bool(self.result and self.result.kind == Kind.TAKEN)


def send(
    delivery: Delivery, to: Iterable[str], *, profile: Profile | None = None
) -> list[Proof]:
    """Send proofs to these addresses, as the profile would read them.

    Without a profile the fields of an example stand in it. Raises NoProof for an
    address that is none, CannotCompose, NoTransport. One that a server has taken makes
    the delivery a tested one, until it says something else.
    """
    wanted = list(to)
    if len(wanted) > MOST:
        raise NoProof(_("At most {most} addresses at once.").format(most=MOST))
    composer = Composer(delivery, is_test=True)
    as_read = _as_read(delivery, profile)
    people = [_addressed(delivery, as_read, text) for text in wanted]
    transport = transport_for(delivery.channel)
    found = []
    try:
        for person, message in zip(people, composer.compose(people), strict=True):
            try:
                result: Result | None = transport.hand_over(message)
            except Uncertain:
                result = None
            found.append(Proof(person.address, result))
    finally:
        transport.close()
    if any(proof.is_taken for proof in found):
        Delivery.objects.filter(pk=delivery.pk).update(tested_at=timezone.now())
    return found


def _as_read(delivery: Delivery, profile: Profile | None) -> Recipient:
    if profile is None:
        return example()
    # Without an address on the channel it still has its words.
    found = recipients(delivery, [profile.pk])
    return found[0] if found else as_recipient(profile)


def _addressed(delivery: Delivery, as_read: Recipient, text: str) -> Recipient:
    try:
        found = addresses.normalise(delivery.channel, text)
    except addresses.InvalidAddress as error:
        said = _("“{text}” is not an address: {reason}")
        raise NoProof(said.format(text=text[:200], reason=error)) from error
    if not trial.allows(delivery.channel, found.key):
        raise NoProof(
            _("The site is on trial, and {address} is not on its list.").format(
                address=found.value
            )
        )
    return replace(as_read, address=found.value, key=found.key)
