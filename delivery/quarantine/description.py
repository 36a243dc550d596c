"""Everything known about an address, as plain data."""

from datetime import datetime
from typing import Any

from django.db.models import Model

from audiences import addresses
from delivery.models import AddressError, QuarantineAction
from delivery.quarantine.entries import entry_of
from delivery.quarantine.names import key_of
from delivery.quarantine.status import STORED


# ------------------------------------------------------------------ to read
def describe(channel: str, address: str) -> dict[str, Any]:
    """Everything known about an address, as plain data; raises InvalidAddress."""
    key = key_of(channel, address)
    entry = entry_of(channel, key)
    row = {"channel": channel, "key": key}
    holders = addresses.with_key(channel, key).select_related("profile")
    return {
        "channel": channel,
        "key": key,
        "entry": entry and _plain(entry, *STORED),
        "errors": [
            _plain(error, "at", "type", "reason", "text", "source", "event_id")
            for error in AddressError.objects.filter(**row)
        ],
        "actions": [
            _plain(action, "at", "kind", "status", "reason", "text", "actor", "source")
            for action in QuarantineAction.objects.filter(**row)
        ],
        "profiles": [
            {
                "id": row.profile_id,
                "external_id": row.profile.external_id,
                "address": row.value,
                "primary": row.is_primary,
            }
            for row in holders
        ],
    }


def _plain(row: Model, *names: str) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }
