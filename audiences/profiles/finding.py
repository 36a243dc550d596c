"""Finding the profile that a text names."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from audiences import addresses
from audiences.channels import Channel
from audiences.files import cleaning
from audiences.models import Address, Profile
from audiences.refusals import Refused
from audiences.sql.many import among

LARGEST_ID = 2**63 - 1
READINGS = ("id", "ext", "addr")


class NotFound(Refused):
    """No profile has this name."""


class Ambiguous(Refused):
    """The text names several profiles; `profiles` lists them."""

    def __init__(self, text: str, profiles: list[Profile]) -> None:
        self.profiles = profiles
        listed = ", ".join(
            f"id:{p.pk}" + (f" (ext:{p.external_id})" if p.external_id else "")
            for p in profiles
        )
        super().__init__(
            f"{text!r} names several profiles: {listed}. Say which with id: or ext:."
        )


def find(text: str) -> Profile:
    """The profile that an id, an external id or an address names.

    Every reading is tried; a prefix id:, ext: or addr: selects one. Raises NotFound,
    or Ambiguous when the readings name different profiles or several have the address.
    """
    ids = find_ids([text])[text]
    found = list(Profile.objects.filter(pk__in=ids).order_by("pk"))
    if not found:
        raise NotFound(
            f"No profile has the id, external id or address {text!r}. "
            "The prefixes id:, ext: and addr: say which is meant."
        )
    if len(found) > 1:
        raise Ambiguous(text, found)
    return found[0]


def find_ids(texts: Iterable[str]) -> dict[str, set[int]]:
    """The ids of the profiles that each text may mean, in three queries."""
    ids: dict[Any, set[str]] = defaultdict(set)
    external_ids: dict[Any, set[str]] = defaultdict(set)
    keys: dict[Any, set[str]] = defaultdict(set)
    found: dict[str, set[int]] = {text: set() for text in texts}
    for text in found:
        if addresses.unstorable(text):
            continue
        for reading, name in readings(text):
            if reading == "ext":
                external_ids[name].add(text)
            elif reading == "addr" and name:
                for pair in addresses.readings(name):
                    keys[pair].add(text)
            elif reading == "id" and _is_id(name):
                ids[int(name)].add(text)
    # Unordered: to get an order the planner would walk through the whole table.
    everybody = Profile.objects.order_by()
    by_id = everybody.filter(among("id", ids)).values_list("pk", flat=True)
    by_external_id = everybody.filter(among("external_id", external_ids)).values_list(
        "external_id", "pk"
    )
    # Every channel is named, so that the index on (channel, key) is used.
    by_key = Address.objects.filter(
        among("key", {key for channel, key in keys}), channel__in=Channel.values
    )
    matches = [
        *((ids[pk], pk) for pk in by_id),
        *((external_ids[name], pk) for name, pk in by_external_id),
        *(
            (keys.get((channel, key), set()), pk)
            for channel, key, pk in by_key.values_list("channel", "key", "profile_id")
        ),
    ]
    for named, pk in matches:
        for text in named:
            found[text].add(pk)
    return found


def named_id(text: str) -> int | None:
    """The id that a text with the prefix id: names, whether somebody has it or not."""
    if text.startswith("id:"):
        ((_reading, name),) = readings(text)
        return int(name) if _is_id(name) else None
    return None


def _is_id(name: str) -> bool:
    # Python refuses to read numbers of thousands of digits, so check the length first.
    return (
        name.isascii()
        and name.isdigit()
        and len(name) <= len(str(LARGEST_ID))
        and int(name) <= LARGEST_ID
    )


def readings(text: str) -> list[tuple[str, str]]:
    """The ways to read a name: pairs of a reading and the name without its prefix."""
    prefix, colon, rest = text.partition(":")
    if colon and prefix in READINGS:
        return [(prefix, cleaning.identifier(rest))]
    return [(reading, cleaning.identifier(text)) for reading in READINGS]
