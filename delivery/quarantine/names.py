"""What names an entry: its channel and the key of its address."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q

from audiences import addresses

Name = tuple[str, str]
# So many rows are read, or written in one transaction.
BATCH = 1000


def key_of(channel: str, address: str) -> str:
    """The key of an address that someone gave; a refusal says which address."""
    try:
        return addresses.normalise(channel, address).key
    except addresses.InvalidAddress as error:
        raise addresses.InvalidAddress(
            f"{address!r} is not an address for {channel}: {error}"
        ) from error


def about(names: Iterable[Name]) -> Q:
    """The rows about the addresses with these names, in any table that has both."""
    keys: dict[str, list[str]] = defaultdict(list)
    for channel, key in names:
        keys[channel].append(key)
    rows = Q(pk__in=[])
    for channel, of_channel in sorted(keys.items()):
        rows |= Q(channel=channel, key__in=of_channel)
    return rows
