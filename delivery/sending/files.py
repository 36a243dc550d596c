"""Messages from a file of another system that handed a delivery over."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from audiences import addresses
from audiences.conditions import BadCondition
from audiences.conditions.dates import read_moment
from audiences.files import DelimitedFile
from audiences.models import Address
from audiences.refusals import Refused
from delivery.models import Delivery, Message, Outcome

COLUMNS = ("address", "time", "message_id", "provider_id", "profile")
BATCH = 5000


@dataclass
class Result:
    """What was recorded: counts, and for each rejected row its line, field, reason."""

    recorded: int = 0
    unchanged: int = 0
    rejects: list[tuple[int, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Row:
    line: int
    address: str
    key: str
    time: datetime
    message_id: str
    provider_id: str
    profile: int | None


def record_file(delivery: Delivery, file: DelimitedFile) -> Result:
    """Record one message for each row: whom it went to, and when.

    Whom: the profile that the row names, else the one of the delivery's target that has
    the address, else the lowest id that has it. A profile gets a delivery once: further
    rows are unchanged. Rows that cannot be read or matched are rejected. Raises Refused
    when a column is missing.
    """
    header = [name.strip().casefold().replace(" ", "_") for name in file.header]
    for name in ("address", "time"):
        if name not in header:
            raise Refused(f"The file needs the column {name}. It has: {header}.")
    result = Result()
    batch: list[_Row] = []
    for record in file.records():
        cells = dict(zip(header, map(str.strip, record.cells), strict=False))
        try:
            if record.problem:
                raise _BadCell("", record.problem)
            batch.append(_row(delivery.channel, record.line, cells))
        except _BadCell as error:
            result.rejects.append((record.line, error.field, str(error)))
        if len(batch) >= BATCH:
            _record(delivery, batch, result)
            batch = []
    _record(delivery, batch, result)
    result.rejects.sort()
    return result


class _BadCell(Refused):
    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        super().__init__(reason)


def _row(channel: str, line: int, cells: dict[str, str]) -> _Row:
    try:
        given = addresses.normalise(channel, cells["address"])
    except addresses.InvalidAddress as error:
        raise _BadCell("address", str(error)) from error
    try:
        time = read_moment(cells["time"], "time")
    except BadCondition as error:
        raise _BadCell("time", str(error)) from error
    profile = cells.get("profile", "")
    if profile and not (profile.isascii() and profile.isdigit() and len(profile) < 19):
        raise _BadCell("profile", f"{profile!r} is not the id of a profile")
    for name in ("message_id", "provider_id"):
        number = cells.get(name, "")
        if len(number) > 255 or "\x00" in number:
            raise _BadCell(name, "longer than 255 characters")
    return _Row(
        line,
        given.value,
        given.key,
        time,
        cells.get("message_id", ""),
        cells.get("provider_id", ""),
        int(profile) if profile else None,
    )


def _record(delivery: Delivery, batch: list[_Row], result: Result) -> None:
    """Match a batch and write it, in a fixed number of statements."""
    holders: dict[str, list[int]] = {}
    rows = Address.objects.filter(
        channel=delivery.channel, key__in={row.key for row in batch}
    )
    for key, pk in rows.order_by("profile_id").values_list("key", "profile_id"):
        holders.setdefault(key, []).append(pk)
    everybody = {pk for pks in holders.values() for pk in pks}
    targeted = set(
        Outcome.objects.filter(
            delivery=delivery, profile_id__in=everybody, rule__isnull=True
        ).values_list("profile_id", flat=True)
    )
    messages: dict[int, Message] = {}
    for row in batch:
        owners = holders.get(row.key, [])
        if row.profile is not None:
            owners = [pk for pk in owners if pk == row.profile]
        if not owners:
            reason = "no such profile has the address"
            result.rejects.append((row.line, "address", reason))
            continue
        profile_id = next((pk for pk in owners if pk in targeted), owners[0])
        if profile_id in messages:
            result.unchanged += 1
            continue
        messages[profile_id] = Message(
            delivery=delivery,
            profile_id=profile_id,
            channel=delivery.channel,
            address=row.address,
            sent_at=row.time,
            message_id=row.message_id or None,
            provider_id=row.provider_id or None,
        )
    with transaction.atomic():
        known = set(
            Message.objects.filter(
                delivery=delivery, profile_id__in=list(messages)
            ).values_list("profile_id", flat=True)
        )
        new = [message for pk, message in messages.items() if pk not in known]
        Message.objects.bulk_create(new, ignore_conflicts=True)
    result.recorded += len(new)
    result.unchanged += len(known)
