"""What the quarantine does when `audiences` sends a signal."""

from typing import Any

from django.db.models import QuerySet

from audiences.models import Address, AddressStatus
from delivery.models import AddressError, QuarantineAction
from delivery.models.quarantine import ErrorReason, ErrorType
from delivery.quarantine.writing import raise_statuses, set_status

from .entries import entry_of
from .order import DENYLISTING, ActionKind, open_hold
from .own_mails import why_not
from .status_copies import copy_to_attached


def mark_attached_addresses(
    sender: object, addresses: QuerySet[Address], **kwargs: Any
) -> None:
    """Listener of `addresses_attached`: copy the status of existing entries."""
    copy_to_attached(addresses)


def stop_address(
    sender: object, channel: str, key: str, source: str, text: str, **kwargs: Any
) -> None:
    """Listener of `address_stop_requested`: put the address on the denylist (P4).

    This includes an address that is merely held: its hold ends.
    """
    entry = entry_of(channel, key)
    denied = entry is not None and entry.status == AddressStatus.DENYLISTED
    actions = QuarantineAction.objects.filter(channel=channel, key=key)
    if not denied or open_hold(actions):
        _decide(channel, key, AddressStatus.DENYLISTED, source, text)


def withdraw_stop(
    sender: object, channel: str, key: str, source: str, text: str, **kwargs: Any
) -> None:
    """Listener of `address_stop_withdrawn`: undo what that stop alone has done.

    An address that was on the denylist before, or about which someone has decided
    since, stays as it is.
    """
    actions = QuarantineAction.objects.filter(channel=channel, key=key)
    last = actions.exclude(kind=ActionKind.UNDO).order_by("-id").first()
    if last is None or AddressError.objects.filter(
        channel=channel, key=key, reason__in=DENYLISTING, pk__gt=last.known_error_id
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


def forbid_mail(
    sender: object, channel: str, key: str, *, is_asked_for: bool, **kwargs: Any
) -> str:
    """Listener of `mail_to_be_sent`: why nothing may go to the address, or nothing."""
    return why_not(channel, key, is_asked_for=is_asked_for)


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
