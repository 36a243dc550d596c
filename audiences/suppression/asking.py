"""Whether addresses are suppressed: asked by their keyed hashes, many at once."""

import functools
from collections.abc import Collection
from contextlib import suppress

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from audiences.channels import ANY
from audiences.models import Suppression
from audiences.sql.many import CompiledAmong, among
from audiences.sql.statements import Compiled

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
    anything, rows_of = _composed()
    each = set(names)
    if not each or not anything.rows():
        return set()
    if not keys.keys():
        raise NoKey
    digests = keys.digests_of(each)
    found = set()
    for pk, digest, scope, key_id in rows_of.rows(digests):
        channel, key = digests[digest]
        # A number has the same hash on each of its channels, and the name of one.
        same = {(other, key) for other in keys.siblings(channel)}
        found |= {name for name in same & each if scope in (ANY, name[0])}
        if key_id != keys.newest().id:
            _renew(pk, (channel, key))
    return found


@functools.cache
def _composed() -> tuple[Compiled, CompiledAmong]:
    """Whether anything is suppressed, and what of some hashes."""
    rows = active().order_by()
    some = rows.filter(among("digest", CompiledAmong.texts))
    facts = some.values_list("pk", "digest", "channel", "key_id")
    return Compiled(rows.values_list("pk")[:1], ()), CompiledAmong(facts)


def rows_about(channel: str, key: str) -> list[Suppression]:
    """The active rows about an address that hold on its channel, oldest first."""
    digests = keys.digests_of([(channel, key)])
    rows = active().order_by().filter(digest__in=digests)
    about = [row for row in rows if row.channel in (ANY, channel)]
    return sorted(about, key=lambda row: (row.since, row.pk))


def _renew(pk: int, name: Name) -> None:
    """Write a row of a former key under the newest, unless that has it already."""
    newest = keys.newest()
    with suppress(IntegrityError), transaction.atomic():
        row = active().filter(pk=pk)
        row.update(digest=newest.digest(*name), key_id=newest.id)
