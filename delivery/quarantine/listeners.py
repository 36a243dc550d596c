"""What the quarantine does when `audiences` sends a signal."""

from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from audiences.models import Address, AddressStatus
from delivery.models import AddressError, QuarantineAction, QuarantineEntry
from delivery.models.quarantine import ErrorReason, ErrorType
from delivery.quarantine.status import DENYLISTING, open_hold
from delivery.quarantine.writing import raise_statuses, set_status

from .entries import entry_of
from .status_copies import mark


def mark_attached_addresses(
    sender: object, addresses: QuerySet[Address], **kwargs: Any
) -> None:
    """Listener of `addresses_attached`: copy the status of existing entries.

    An address that cannot be delivered to takes no part in quarantine.
    """
    mark(addresses)
    addresses.filter(is_valid=False).exclude(
        quarantine_status=AddressStatus.VALID
    ).update(quarantine_status=AddressStatus.VALID)
    if connection.features.has_select_for_update:  # see copy_status
        transaction.on_commit(lambda: mark(addresses))


def stop_address(
    sender: object, channel: str, key: str, source: str, text: str, **kwargs: Any
) -> None:
    """Listener of `address_stop_requested`: put the address on the denylist (P4).

    This includes an address that is merely held: its hold ends.
    """
    entry = entry_of(channel, key)
    denied = entry is not None and entry.status == AddressStatus.DENYLISTED
    actions = QuarantineAction.objects.filter(channel=channel, key=key)
    if not denied or open_hold(actions.order_by("at", "pk")):
        _decide(channel, key, AddressStatus.DENYLISTED, source, text)


def withdraw_stop(
    sender: object, channel: str, key: str, source: str, text: str, **kwargs: Any
) -> None:
    """Listener of `address_stop_withdrawn`: undo what that stop alone has done.

    An address that was on the denylist before, or about which someone has decided
    since, stays as it is.
    """
    actions = QuarantineAction.objects.filter(channel=channel, key=key)
    last = actions.order_by("-id").first()
    if last is None or AddressError.objects.filter(
        channel=channel, key=key, reason__in=DENYLISTING, at__gte=last.at
    ):
        return
    if (last.status, last.reason, last.text) == (
        AddressStatus.DENYLISTED,
        ErrorReason.STOP,
        text,
    ):
        _decide(channel, key, AddressStatus.VALID, source, text)


def _decide(channel: str, key: str, status: str, source: str, text: str) -> None:
    set_status(channel, key, status, source=source, reason=ErrorReason.STOP, text=text)


def quarantine_failed(
    sender: object,
    *,
    channel: str,
    keys: list[str],
    source: str,
    text: str,
    actor: str,
    **kwargs: Any,
) -> None:
    """Listener of `addresses_failed`: put the addresses in quarantine (Q6).

    Another system knows that they do not work. A status is never lowered.
    """
    raise_statuses(
        [
            QuarantineAction(
                channel=channel,
                key=key,
                kind=QuarantineAction.Kind.RAISE,
                status=AddressStatus.QUARANTINE,
                reason=ErrorReason.NOT_DEFINED,
                type=ErrorType.HARD,
                text=text,
                source=source,
                actor=actor,
            )
            for key in keys
        ]
    )


def forbid_denylisted(sender: object, channel: str, key: str, **kwargs: Any) -> bool:
    """Listener of `mail_to_be_sent`: nothing goes to an address on the denylist.

    An address in quarantine for errors may still get what its owner just asked for.
    """
    return QuarantineEntry.objects.filter(
        channel=channel, key=key, status=AddressStatus.DENYLISTED
    ).exists()
