"""Facts that are no steps of consent, written down with the fact itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from audiences import changes
from audiences.models import Happening


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One fact; `data` has codes and numbers only, and no text about anybody."""

    name: str
    profile_id: int | None = None
    channel: str = ""
    key: str = ""
    delivery_id: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def tell(facts: Iterable[Fact]) -> None:
    """Write facts down, in one statement; the caller is in the transaction of them."""
    now: Any = timezone.now()
    number: Any = changes.this_transaction()
    rows = [
        Happening(
            name=fact.name,
            at=now,
            transaction_id=number,
            profile_id=fact.profile_id,
            channel=fact.channel,
            key=fact.key,
            delivery_id=fact.delivery_id,
            data=dict(fact.data),
        )
        for fact in facts
    ]
    Happening.objects.bulk_create(rows, batch_size=1_000)
