"""The copy of the status beside each address, in the transaction of its entry."""

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from audiences.models import Address, AddressStatus
from delivery.models import QuarantineEntry


def copy_status(channel: str, keys: list[str], status: str) -> None:
    """Copy a status to the addresses, including those being attached right now.

    A transaction that attaches an address and one that changes its entry do not see
    each other's rows. So both check again after committing: the later one sees all.
    """
    held = Address.objects.filter(channel=channel, key__in=keys)
    held.filter(is_valid=True).exclude(quarantine_status=status).update(
        quarantine_status=status
    )
    if connection.features.has_select_for_update:  # SQLite has one writer at a time
        unmarked = held.filter(quarantine_status=AddressStatus.VALID)
        transaction.on_commit(lambda: mark(unmarked))


def mark(addresses: QuerySet[Address]) -> None:
    entries = QuarantineEntry.objects.filter(
        channel=OuterRef("channel"), key=OuterRef("key")
    ).exclude(status=AddressStatus.VALID)
    addresses.filter(Exists(entries), is_valid=True).update(
        quarantine_status=Subquery(entries.values("status")[:1])
    )
