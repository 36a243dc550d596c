"""Who gets a message: the address that is used, and what a message may say of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

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


def example(language: str = "") -> Recipient:
    """Nobody, with an example in the place of each fact."""
    facts = {
        "first_name": _("Anna"),
        "last_name": _("Example"),
        "language": language or "en",
        "country": "NL",
        "external_id": "P00001",
    }
    return Recipient(0, "", "", language, facts)


def as_recipient(profile: Profile, address: str = "", key: str = "") -> Recipient:
    """A profile as the reader of a message, which goes to an address if it is given."""
    facts = {name: getattr(profile, name) or "" for name in FACTS}
    return Recipient(profile.pk, address, key, facts["language"], facts)
