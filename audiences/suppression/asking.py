"""Whether addresses are suppressed: asked by their keyed hashes, many at once."""

from collections.abc import Collection, Iterable
from contextlib import suppress

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from audiences.channels import ANY
from audiences.models import Suppression
from audiences.sql.many import among

from . import keys
from .keys import Name, NoKey


def active() -> QuerySet[Suppression]:
    """What is suppressed now: rows that nothing has lifted."""
    return Suppression.objects.filter(lifted_at__isnull=True)


def met(names: Collection[Name]) -> set[Name]:
    """Those of these addresses that are suppressed on their channel.

    One statement where the list is empty, else two. What is met under a former key is
    written under the newest. Raises NoKey when the list cannot be asked.
    """
    if not names or not active().exists():
        return set()
    each = set(names)
    if not keys.keys():
        raise NoKey
    digests = keys.digests_of(each)
    found = set()
    for row in _rows_of(digests):
        channel, key = digests[row.digest]
        # A number has the same hash on each of its channels, and the name of one.
        same = {(other, key) for other in keys.siblings(channel)}
        found |= {name for name in same & each if row.channel in (ANY, name[0])}
        _renew(row, (channel, key))
    return found


def rows_about(channel: str, key: str) -> list[Suppression]:
    """The active rows about an address that hold on its channel, oldest first."""
    rows = _rows_of(keys.digests_of([(channel, key)]))
    about = [row for row in rows if row.channel in (ANY, channel)]
    return sorted(about, key=lambda row: (row.since, row.pk))


def _rows_of(digests: Iterable[str]) -> list[Suppression]:
    return list(active().order_by().filter(among("digest", digests)))


def _renew(row: Suppression, name: Name) -> None:
    """Write a row of a former key under the newest, unless that has it already."""
    newest = keys.newest()
    if row.key_id == newest.id:
        return
    digest = newest.digest(*name)
    with suppress(IntegrityError), transaction.atomic():
        active().filter(pk=row.pk).update(digest=digest, key_id=newest.id)
