"""Who gets a message: the address that is used, and what a message may say of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from audiences.channels import ADDRESS_KINDS, AddressKind, Channel
from audiences.models import Address, Profile
from delivery.models import Delivery

# The facts of a profile that a message may say.
FACTS = ("first_name", "last_name", "language", "country", "external_id")
_COLUMNS = ("profile_id", "value", "key", *(f"profile__{name}" for name in FACTS))


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person with one address, as stored (`value`), and what is compared (`key`).

    `fields` are the facts that a message may say, by name.
    """

    profile_id: int
    address: str
    key: str
    language: str
    fields: Mapping[str, str]


def recipients(delivery: Delivery, profile_ids: Iterable[int]) -> list[Recipient]:
    """These profiles with their primary address on the delivery's channel, in order.

    Whoever has none is left out. One statement.
    """
    wanted = list(profile_ids)
    rows = Address.objects.filter(
        channel=delivery.channel, is_primary=True, profile_id__in=wanted
    ).values_list(*_COLUMNS)
    found = {
        pk: Recipient(
            pk,
            value,
            key,
            facts[FACTS.index("language")],
            dict(zip(FACTS, (fact or "" for fact in facts), strict=True)),
        )
        for pk, value, key, *facts in rows
    }
    return [found[pk] for pk in wanted if pk in found]


def as_recipient(profile: Profile, address: str = "", key: str = "") -> Recipient:
    """A profile as the reader of a message, which goes to an address if it is given."""
    facts = {name: getattr(profile, name) or "" for name in FACTS}
    return Recipient(profile.pk, address, key, facts["language"], facts)


def address_of(channel: str) -> Callable[[Recipient], str]:
    """How the address that leaves is made, on a channel: what was checked, no other.

    Of an email address it is the local part as stored (RFC 5321, 2.4) and the domain of
    its key, which is ASCII by IDNA 2008 (RFC 5891). A number leaves as its key (E.164),
    a token as stored.
    """
    return _ADDRESSES.get(ADDRESS_KINDS[Channel(channel)], _as_stored)


def _of_email(recipient: Recipient) -> str:
    local = recipient.address.strip().rpartition("@")[0]
    return f"{local}@{recipient.key.rpartition('@')[2]}"


def _of_number(recipient: Recipient) -> str:
    return recipient.key


def _as_stored(recipient: Recipient) -> str:
    return recipient.address


_ADDRESSES = {AddressKind.EMAIL: _of_email, AddressKind.NUMBER: _of_number}
