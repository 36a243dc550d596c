"""Changes as plain data, as the API and the calls of endpoints have them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from audiences.masking import DOTS, masked, masked_id
from audiences.models import Address, ConsentEvent, Profile
from audiences.sql.many import among

from .reading import Change


def facts(changes: Sequence[Change], *, sees_addresses: bool) -> list[dict[str, Any]]:
    """Each change as plain data, in two statements for any number.

    `sees_addresses`: whether the reader gets addresses whole, and the primary ones of
    each person. Nothing is said of somebody who is erased but the number.
    """
    ids = {change.profile_id for change in changes if change.profile_id}
    numbers = [pk for pk in ids if pk]
    external = dict(
        Profile.objects.filter(among("id", numbers)).values_list("pk", "external_id")
    )
    where: dict[int, dict[str, str]] = {}
    if sees_addresses:
        rows = Address.objects.filter(among("profile_id", numbers), is_primary=True)
        for pk, channel, value in rows.values_list("profile_id", "channel", "value"):
            where.setdefault(pk, {})[channel] = value
    return [
        _plain(change, external, where if sees_addresses else None)
        for change in changes
    ]


def _plain(
    change: Change,
    external: dict[int, str | None],
    where: dict[int, dict[str, str]] | None,
) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if change.profile_id:
        data["profile"] = change.profile_id
        name = external.get(change.profile_id)
        data["external_id"] = masked_id(name) if name and where is None else name
        if where is not None:
            data["addresses"] = where.get(change.profile_id, {})
    row = change.row
    data |= (
        _of_step(row)
        if isinstance(row, ConsentEvent)
        else _of_happening(row, sees_addresses=where is not None)
    )
    return {
        "id": change.id,
        "type": change.name,
        "timestamp": said(row.at),
        "data": data,
    }


def _of_step(row: ConsentEvent) -> dict[str, Any]:
    data: dict[str, Any] = {"source": row.source, "event": row.pk}
    if row.channel:
        data["channel"] = row.channel
    if row.service_id:
        service = getattr(row, "service", None)
        data["service"] = service.slug if service else None
    if row.delivery_id:
        data["delivery"] = row.delivery_id
    return data


def _of_happening(row: Any, *, sees_addresses: bool) -> dict[str, Any]:
    data: dict[str, Any] = dict(row.data)
    if row.channel:
        data["channel"] = row.channel
    if row.key:
        shown = row.key if sees_addresses else masked(row.channel, row.key) or DOTS
        data["address"] = shown
    if row.delivery_id:
        data["delivery"] = row.delivery_id
    return data


def said(at: datetime) -> str:
    """A moment as RFC 3339 has it, in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
