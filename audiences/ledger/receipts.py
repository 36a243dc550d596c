"""Receipts: what a person agreed to, when and how, with proofs for an outsider.

A receipt holds leaves as they were sealed, proofs that they are in the tree, the
checkpoint that signs the tree, and what tells whose they are. Whoever has the public
key checks it without us (docs/verify_receipt.py). Names of fields: docs/ledger.md.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiences import sql
from audiences.models import (
    LandingPageVersion,
    LedgerCheckpoint,
    LedgerLeaf,
    LedgerSalt,
    LedgerWording,
    Profile,
)
from audiences.refusals import Refused
from audiences.wording import page_texts

from . import leaves, reading, sealing, tree
from .reading import EVENTS, JOINED, Kind, Row, days_late, found_at, iso
from .stored_tree import Proofs

SCHEMA = "campaign-receipt-1"
STATUS = {
    "opt_in": "dpv:ConsentGiven",
    "subscribe": "dpv:ConsentGiven",
    "confirm": "dpv:ConsentGiven",
    "opt_out": "dpv:ConsentWithdrawn",
    "unsubscribe": "dpv:ConsentWithdrawn",
    "request": "dpv:ConsentRequested",
    "expire": "dpv:ConsentExpired",
}


class NoReceipt(Refused):
    """There is nothing that a receipt could prove; the message says why."""


@dataclass
class Receipt:
    """A receipt as plain data, and the events that no checkpoint covers yet."""

    data: dict[str, Any]
    waiting: list[int] = field(default_factory=list)


def receipt(
    profile: Profile, event_id: int | None = None, *, size: int | None = None
) -> Receipt:
    """The receipt of a person, or of one event; raises NoReceipt.

    Proofs lead to the newest checkpoint, or to that of `size` leaves.
    """
    checkpoint = _checkpoint(size)
    rows = _rows(profile.pk, event_id)
    if event_id is not None and not rows:
        raise NoReceipt(f"Profile {profile.pk} has no event {event_id}.")
    places = _places(Kind.EVENT, [row.event.id for row in rows])
    covered = [
        row
        for row in rows
        if places.get(row.event.id, checkpoint.size) < checkpoint.size
    ]
    waiting = [row.event.id for row in rows if row not in covered]
    if not covered:
        raise NoReceipt(
            "No checkpoint covers it yet: it is sealed within a minute, and a "
            "checkpoint follows within five.",
            hint="At once: seal_ledger, then ledger_checkpoint.",
        )
    proofs = Proofs(checkpoint.size)
    notices = _notices({row.event.wording for row in covered}, profile, proofs)
    known = {notice["record"]["privacy_notice"] for notice in notices}
    salt = bytes(LedgerSalt.objects.get(profile_id=profile.pk).salt)
    data = {
        "schema_version": SCHEMA,
        "pii_principal": {
            "profile": profile.pk,
            "salt": salt.hex(),
            "id": leaves.subject(salt, profile.pk).hex(),
        },
        "consent_records": [_record(row, proofs, places) for row in covered],
        "privacy_notices": notices,
        "unknown_notices": sorted(
            {row.event.wording for row in covered} - known - {""}
        ),
        "checkpoint": checkpoint.note,
    }
    return Receipt(data, waiting)


def as_text(data: Mapping[str, Any]) -> str:
    """A receipt as it is written to a file."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"


def _checkpoint(size: int | None) -> LedgerCheckpoint:
    rows = LedgerCheckpoint.objects.order_by("-size")
    found = (rows if size is None else rows.filter(size=size)).first()
    if found is None:
        what = "no checkpoint" if size is None else f"no checkpoint of {size} leaves"
        raise NoReceipt(f"There is {what} here.", hint="Run ledger_checkpoint.")
    return found


def _rows(profile_id: int, event_id: int | None) -> list[Row]:
    only = "" if event_id is None else " AND e.id = %s"
    rows = sql.fetch(
        f"SELECT {reading.columns()} FROM {EVENTS} e{JOINED}"
        f" WHERE e.profile_id = %s{only} ORDER BY e.id",
        [profile_id] if event_id is None else [profile_id, event_id],
    )
    return [Row.of(values) for values in rows]


def _places(kind: int, ids: Sequence[int]) -> dict[int, int]:
    rows = LedgerLeaf.objects.filter(kind=kind, source_id__in=ids)
    return dict(rows.values_list("source_id", "id"))


def _record(row: Row, proofs: Proofs, places: Mapping[int, int]) -> dict[str, Any]:
    """An event as it was sealed, its proof, and what is to be known of its moments."""
    state, event = sealing.state(), row.event
    if state is None or row.salt is None:
        raise NoReceipt(f"Event {event.id} leads to nobody in the ledger.")
    kept = LedgerLeaf.objects.get(pk=places[event.id])
    digest = None if kept.evidence is None else bytes(kept.evidence)
    found = found_at(event.recorded_at, iso(state.introduced_at))
    name = leaves.subject(row.salt, event.profile_id)
    leaf = leaves.event_leaf(event, name, digest, found)
    return {
        **_proved(leaf, kept.pk, bytes(kept.hash), proofs),
        "consent_status": STATUS[event.kind],
        "remarks": [*_remarks(row, found)],
    }


def _remarks(row: Row, found: str | None) -> Iterable[str]:
    if found:
        yield f"as found on {found}"
    late = days_late(row.event)
    if late is not None and late > 1:
        yield f"recorded {late:.0f} days after the act, by {row.event.source}"


def _proved(leaf: bytes, place: int, hash: bytes, proofs: Proofs) -> dict[str, Any]:
    if tree.leaf_hash(leaf) != hash:
        raise NoReceipt(
            "What is recorded is not what was sealed.",
            hint="verify_ledger says what differs.",
        )
    return {
        "record": json.loads(leaf),
        "place": place,
        "proof": [base64.b64encode(h).decode() for h in proofs.inclusion(place)],
    }


def _notices(
    names: Iterable[str], profile: Profile, proofs: Proofs
) -> list[dict[str, Any]]:
    """The wordings that events name, in the person's language, with their proofs."""
    found = []
    for name in sorted(names):
        slug, _slash, number = name.rpartition("/")
        version = built_in = None
        if number.isascii() and number.isdigit() and len(number) < 10:
            version = LandingPageVersion.objects.filter(
                page_slug=slug, number=int(number)
            ).first()
        if version is None:
            built_in = LedgerWording.objects.filter(name=name).first()
        row = version or built_in
        if row is None:
            continue
        kind = Kind.VERSION if version else Kind.BUILT_IN
        kept = LedgerLeaf.objects.filter(
            kind=kind, source_id=row.pk, pk__lt=proofs.size
        ).first()
        if kept is None:
            continue
        ((_pk, leaf),) = reading.small_leaves(kind, _introduced_at(), [row.pk])
        texts = leaves.wording_texts(row.content)
        language = page_texts.closest(profile.language, [*texts]) or next(iter(texts))
        found.append(
            {
                **_proved(leaf, kept.pk, bytes(kept.hash), proofs),
                "language": language,
                "texts": texts[language],
            }
        )
    return found


def _introduced_at() -> str:
    state = sealing.state()
    return iso(state.introduced_at) if state else ""
