"""Messages from a file of another system that handed a delivery over."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from audiences import addresses
from audiences.files import (
    BadCell,
    TableFile,
    cleaning,
    moment_cell,
    named_cells,
    names_of,
)
from audiences.imports.columns import Reading, read_columns
from audiences.imports.engine import Chunk, Importer
from audiences.models import Address
from audiences.refusals import Refused
from delivery.feedback import intake
from delivery.models import Delivery, Message, Outcome, Sending

COLUMNS = ("address", "time", "message_id", "provider_id", "profile")
# What our own lists of messages call it.
_name_of = names_of(dict.fromkeys(COLUMNS, ()) | {"time": ("at",)})


@dataclass(frozen=True, slots=True)
class Row:
    """One message as the file says it."""

    line: int
    address: str
    key: str
    time: datetime
    message_id: str | None
    provider_id: str | None
    profile: int | None


class MessagesImporter(Importer[Row]):
    """Records one message for each row: whom it went to, and when.

    Whom: the profile that the row names, else the one of the delivery's target that has
    the address, else the lowest id that has it. A profile gets a delivery once: further
    rows are unchanged. A file without times, such as our own export of a target, says
    that they go now. Raises UnknownColumns when the addresses are missing; other
    columns than ours are passed over.
    """

    counted = ("recorded", "unchanged", "rejected")

    def __init__(
        self, file: TableFile, delivery: Delivery, reading: Reading | None = None
    ) -> None:
        if Sending.objects.filter(delivery=delivery).exists():
            raise Refused(
                f"{delivery.label!r} is sent by Campaign itself: what another system "
                "sent cannot be recorded for it."
            )
        self.delivery = delivery
        found = read_columns(
            file,
            _name_of,
            reading or Reading(),
            known=COLUMNS,
            needed=("address",),
            passes_over=True,
        )
        self.columns, self.passed_over = found.meanings, found.passed_over
        self.now = None if "time" in self.columns else timezone.now()

    def read(self, line: int, cells: list[str]) -> Row:
        given = named_cells(self.columns, cells)
        return _row(self.delivery.channel, line, given, self.now)

    def write(self, rows: list[Row], chunk: Chunk) -> None:
        """Match the rows and write them, in a fixed number of statements."""
        messages: dict[int, Message] = {}
        holders = self._holders(rows)
        targeted = self._targeted(holders)
        for row in rows:
            owners = holders.get(row.key, [])
            if row.profile is not None:
                owners = [pk for pk in owners if pk == row.profile]
            if not owners:
                bad = BadCell("address", _("no such profile has the address"))
                chunk.reject(row.line, bad)
                continue
            profile_id = next((pk for pk in owners if pk in targeted), owners[0])
            if profile_id in messages:
                chunk.counts["unchanged"] += 1
                continue
            messages[profile_id] = self._message(profile_id, row)
        about = Message.objects.filter(delivery=self.delivery)
        about = about.filter(profile_id__in=list(messages))
        known = set(about.values_list("profile_id", flat=True))
        new = [message for pk, message in messages.items() if pk not in known]
        Message.objects.bulk_create(new, ignore_conflicts=True)
        intake.messages_recorded(new)
        chunk.counts["recorded"] += len(new)
        chunk.counts["unchanged"] += len(known)

    def _holders(self, rows: list[Row]) -> dict[str, list[int]]:
        """The profiles that have each address, lowest id first."""
        holders: dict[str, list[int]] = {}
        held = Address.objects.filter(
            channel=self.delivery.channel, key__in={row.key for row in rows}
        )
        for key, pk in held.order_by("profile_id").values_list("key", "profile_id"):
            holders.setdefault(key, []).append(pk)
        return holders

    def _targeted(self, holders: dict[str, list[int]]) -> set[int]:
        everybody = {pk for pks in holders.values() for pk in pks}
        outcomes = Outcome.objects.filter(
            delivery=self.delivery, profile_id__in=everybody, rule__isnull=True
        )
        return set(outcomes.values_list("profile_id", flat=True))

    def _message(self, profile_id: int, row: Row) -> Message:
        return Message(
            delivery=self.delivery,
            profile_id=profile_id,
            channel=self.delivery.channel,
            address=row.address,
            sent_at=row.time,
            message_id=row.message_id,
            provider_id=row.provider_id,
        )


def _row(channel: str, line: int, given: dict[str, str], now: datetime | None) -> Row:
    try:
        address = addresses.normalise(channel, given.get("address", ""))
    except addresses.InvalidAddress as error:
        raise BadCell("address", error.sentence) from error
    no_time = _("{text} is not a date such as 2026-05-01")
    time = now or moment_cell(given, "time", no_time)
    if time is None:
        raise BadCell("time", _("it is empty"))
    profile = given.get("profile", "")
    if profile and not (profile.isascii() and profile.isdigit() and len(profile) < 19):
        reason = _("{text} is not the id of a profile")
        raise BadCell("profile", reason, text=repr(profile[:50]))
    for name in ("message_id", "provider_id"):
        if len(given.get(name, "")) > 255:
            raise BadCell(name, cleaning.too_long(255))
    return Row(
        line,
        address.value,
        address.key,
        time,
        given.get("message_id"),
        given.get("provider_id"),
        int(profile) if profile else None,
    )
