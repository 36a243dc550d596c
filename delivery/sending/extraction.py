"""Extraction files: how direct mail, phone and fax leave (F1, F5).

Targets are claimed and checked as for messages, and the file is written from what was
claimed. Before anything counts as sent it is looked once more whether anyone has
changed meanwhile; then the file is written again without them. It gets its name last,
so a file that is there is whole, and what it names is recorded.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import (
    DateTimeField,
    F,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.utils import timezone

from audiences import changes, fields, sql
from audiences.files import write_csv
from audiences.models import Address, Profile
from audiences.refusals import Refused
from delivery.content import COLUMNS, columns_of, own_columns
from delivery.models import Delivery, Dispatch, Message, Outcome, Sending
from delivery.sending import claims, seeds, sendings, slots
from delivery.sending.claims import Batch, Over
from delivery.sending.last_check import LastCheck
from delivery.sending.looks import Look
from delivery.sending.telling import tell_sent

CHUNK = 5_000
# So often the file is written again because somebody has changed meanwhile; then those
# who changed while it was written the last time are withdrawn, and that is that.
TRIES = 5
Status = Dispatch.Status


class BadExtraction(Refused):
    """The file cannot be written; the message says why and what to do."""


def write(
    delivery: Delivery, path: Path, *, columns: Sequence[str] = (), actor: str
) -> int:
    """Write the extraction file of a prepared delivery, and record it as handed over.

    `columns` are those of the delivery unless given. Returns how many people are in it.
    Interrupted, it is begun anew by the same call. Raises BadExtraction, NotSendable.
    """
    columns = columns or columns_of(delivery.columns)
    part = _part_of(path)
    try:
        with sql.process_lock(f"extraction-{delivery.pk}"):
            sending = _begin(delivery, actor)
            with slots.held(sending) as slot:
                check, seen = _claim_all(sending, slot)
                _write_file(sending, part, columns)
                for _try in range(TRIES):
                    look = Look(sending.pk, seen)
                    if not look.around()[0]:
                        break
                    seen, withdrawn = _check_again(sending, check)
                    if withdrawn:
                        _write_file(sending, part, columns)
                count = _record(sending)
                seeds.keep_lines(sending)
    except sql.Locked as error:
        raise BadExtraction(
            f"Another process writes a file of {delivery.label!r}."
        ) from error
    os.replace(part, path)
    return count


def _part_of(path: Path) -> Path:
    if path.exists():
        raise BadExtraction(f"{path} exists: choose another name, or remove it first.")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise BadExtraction(f"{path.parent} is not a folder that can be written to.")
    return path.with_name(f".{path.name}.part")


def _begin(delivery: Delivery, actor: str) -> Sending:
    """A new sending; or the one of a call that was interrupted, taken back."""
    if delivery.channel in sendings.BY_MESSAGE:
        raise BadExtraction(
            f"{delivery.label!r} goes by {delivery.get_channel_display()}: send it "
            "without --to."
        )
    with transaction.atomic():
        Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
        found = Sending.objects.filter(
            delivery=delivery, state=Sending.State.SENDING
        ).first()
        if found:
            Dispatch.objects.filter(delivery=delivery).delete()
            found.delete()
        sendings.check_prepared(delivery)
        now = timezone.now()
        return Sending.objects.create(
            delivery=delivery, actor=actor, starts_at=now, started_at=now
        )


def _claim_all(sending: Sending, slot: int) -> tuple[LastCheck, Any]:
    """Claim every target; returns the check, and what could be seen before."""
    check, seen = LastCheck(sending.delivery), None
    while True:
        claimed = claims.claim(sending, check, slot, most=CHUNK)
        if isinstance(claimed, Batch):
            claims.begin(sending, claimed.ids, slot)
            seen = seen or claimed.seen
        elif isinstance(claimed, Over):
            return check, seen or changes.now()


def _claimed(sending: Sending) -> QuerySet[Dispatch]:
    return Dispatch.objects.filter(
        delivery=sending.delivery_id, status=Status.HANDING_OVER
    ).order_by("profile_id")


def _check_again(sending: Sending, check: LastCheck) -> tuple[Any, int]:
    """Withdraw who must not be in the file any more."""
    seen, withdrawn, position = changes.now(), 0, 0
    while True:
        rows = _claimed(sending).filter(profile_id__gt=position)
        ids = list(rows.values_list("profile_id", flat=True)[:CHUNK])
        if not ids:
            return seen, withdrawn
        found = check.excluded(ids[0], ids[-1])
        causes = {pk: found[pk] for pk in ids if pk in found}
        claims.withdraw(sending, causes, Status.HANDING_OVER)
        withdrawn, position = withdrawn + len(causes), ids[-1]


def _write_file(sending: Sending, part: Path, columns: Sequence[str]) -> None:
    with part.open("w", encoding="utf-8-sig", newline="") as file:
        rows = chain(_lines(sending, columns), seeds.lines(sending, columns))
        write_csv(file, columns, rows)
        file.flush()
        os.fsync(file.fileno())


def _lines(sending: Sending, columns: Sequence[str]) -> Iterator[list[Any]]:
    channel = sending.delivery.channel
    own = {"delivery": sending.delivery_id, "profile_id": OuterRef("profile_id")}
    names = [name for name in COLUMNS if name not in ("profile", "address")]
    people = Profile.objects.filter(pk=OuterRef("profile_id"))
    rows = _claimed(sending).annotate(
        address=Subquery(Outcome.objects.filter(**own).values("address")[:1]),
        number=Subquery(
            Address.objects.filter(
                profile_id=OuterRef("profile_id"), channel=channel, is_primary=True
            ).values("key")[:1]
        ),
        **{f"its_{name}": Subquery(people.values(name)[:1]) for name in names},
    )
    values = ("profile_id", "address", "number", *(f"its_{name}" for name in names))
    known = own_columns() if {*columns} - {*COLUMNS} else {}
    asked = [field for slug, field in known.items() if slug in columns]
    found = rows.values_list(*values).iterator(CHUNK)
    while chunk := list(islice(found, CHUNK)):
        have = fields.values_of([row[0] for row in chunk], asked) if asked else {}
        for pk, address, number, *rest in chunk:
            facts = dict(zip(names, rest, strict=True))
            facts["profile"] = pk
            facts["address"] = address if channel == "direct_mail" else number
            said = have.get(pk, {})
            facts |= {each.slug: fields.as_text(said.get(each.slug)) for each in asked}
            yield [facts[name] if facts[name] is not None else "" for name in columns]


def _record(sending: Sending) -> int:
    """What is in the file is handed over: all of it, together."""
    now = timezone.now()
    with transaction.atomic(durable=True):
        address = Outcome.objects.filter(
            delivery=sending.delivery_id, profile_id=OuterRef("profile_id")
        )
        count = sql.insert_select(
            Message,
            ["delivery_id", "profile_id", "channel", "address", "sent_at"],
            _claimed(sending).values_list(
                F("delivery_id"),
                F("profile_id"),
                Value(sending.delivery.channel, TextField()),
                Subquery(address.values("address")[:1]),
                Value(now, DateTimeField()),
            ),
        )
        _claimed(sending).update(status=Status.SENT, at=now, slot=None)
        Sending.objects.filter(pk=sending.pk).update(
            state=Sending.State.SENT, finished_at=now
        )
        tell_sent(sending)
    return count
