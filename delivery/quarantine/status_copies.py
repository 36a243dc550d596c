"""The copy of the status beside each address, in the entry's own transaction."""

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from audiences.models import Address, AddressStatus
from delivery.models import QuarantineEntry


def copy_status(channel: str, keys: list[str], status: str) -> None:
    """Copy a status to the addresses, including those being attached right now.

    A transaction that attaches an address and one that changes its entry do not see
    each other's rows. So both check again after committing: the later one sees all.
    """
    Address.objects.filter(channel=channel, key__in=keys, is_valid=True).exclude(
        quarantine_status=status
    ).update(quarantine_status=status)
    if connection.features.has_select_for_update:  # SQLite has one writer at a time
        transaction.on_commit(lambda: _copy_again(channel, keys))


def _copy_again(channel: str, keys: list[str]) -> None:
    held = Address.objects.filter(channel=channel, key__in=keys)
    mark(held.filter(quarantine_status=AddressStatus.VALID))


def mark(addresses: QuerySet[Address]) -> None:
    entries = QuarantineEntry.objects.filter(
        channel=OuterRef("channel"), key=OuterRef("key")
    ).exclude(status=AddressStatus.VALID)
    addresses.filter(Exists(entries), is_valid=True).update(
        quarantine_status=Subquery(entries.values("status")[:1])
    )
