"""The copy of the status beside each address: it says what the entry says.

A transaction that attaches an address and one that changes its entry do not see each
other's rows. So both look again after they have committed: the later one sees all. Who
writes a copy has locked its row before and reads the entry afterwards, so the last one
to write has read the newest status.
"""

import itertools
from collections.abc import Iterable, Iterator

from django.db import connection, transaction
from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from audiences import addresses
from audiences.models import Address, AddressStatus
from audiences.sql.many import among
from audiences.sql.retries import retried
from delivery.models import QuarantineEntry

from .names import BATCH, Name, about

_of_address = QuarantineEntry.objects.filter(
    channel=OuterRef("channel"), key=OuterRef("key")
).order_by()
# An address that cannot be delivered to takes no part in quarantine.
SHOULD_BE = Case(
    When(
        is_valid=True,
        then=Coalesce(
            Subquery(_of_address.values("status")[:1]), Value(AddressStatus.VALID)
        ),
    ),
    default=Value(AddressStatus.VALID),
    output_field=CharField(),
)


def copy_statuses(names: Iterable[Name]) -> None:
    """Copy the status of entries that were just written, whatever the copies say."""
    rows = Address.objects.filter(about(names))
    _write(addresses.lock(rows))
    _look_again(rows)


def copy_to_attached(attached: QuerySet[Address]) -> None:
    """Copy the status of existing entries to addresses that were just written."""
    refresh(attached)
    _look_again(attached)


def _look_again(rows: QuerySet[Address]) -> None:
    if connection.features.has_select_for_update:  # SQLite has one writer at a time
        # What fails here is not the fault of what was committed; `verify_quarantine
        # --mend` and the daily clean-up find it.
        transaction.on_commit(lambda: refresh(rows), robust=True)


@retried
def refresh(rows: QuerySet[Address]) -> None:
    """Bring up to date the copies that differ from their entries."""
    # First who may differ, found as a set: to ask for each row alone takes as long as
    # to write it.
    ids = list(_suspects(rows).values_list("pk", flat=True))
    if not ids:
        return
    suspects = Address.objects.filter(among("id", ids))
    different = suspects.alias(should_be=SHOULD_BE).exclude(
        quarantine_status=F("should_be")
    )
    _write(addresses.lock(different))


def _write(ids: list[int]) -> None:
    if ids:
        rows = Address.objects.filter(pk__in=ids)
        rows.update(quarantine_status=SHOULD_BE)


def mend_copies() -> None:
    """Mend each copy whose writer died before its second look (`_look_again`)."""
    for batch in different_from_entries():
        refresh(Address.objects.filter(pk__in=[address.pk for address in batch]))


def different_from_entries() -> Iterator[list[Address]]:
    """Batches of all addresses whose copies differ, found by what the indexes know."""
    found = _suspects(Address.objects.all()).iterator()
    while batch := list(itertools.islice(found, BATCH)):
        yield batch


def _suspects(rows: QuerySet[Address]) -> QuerySet[Address]:
    """Those of the rows whose copies differ, as two joins and not row by row."""
    blamed = QuarantineEntry.objects.exclude(status=AddressStatus.VALID).filter(
        channel=OuterRef("channel"), key=OuterRef("key")
    )
    agreeing = blamed.filter(status=OuterRef("quarantine_status"))
    stale = Q(is_valid=False) | ~Exists(agreeing)
    marked = rows.exclude(quarantine_status=AddressStatus.VALID)
    unmarked = rows.filter(is_valid=True, quarantine_status=AddressStatus.VALID)
    return marked.filter(stale).union(unmarked.filter(Exists(blamed)))
