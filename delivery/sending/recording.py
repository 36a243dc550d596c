"""What other systems handed over, written down as they say it.

The same rules as for their files (`files`): a profile gets a delivery once, and an
address belongs to the target that has it, else to the lowest id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from audiences import addresses
from audiences.models import Address
from audiences.refusals import Refused
from audiences.sql.many import among
from delivery.feedback import intake
from delivery.models import Delivery, Message, Outcome, Sending


@dataclass(frozen=True, slots=True)
class HandedOver:
    """One message, as its sender says it."""

    address: str
    profile_id: int | None = None
    at: datetime | None = None
    message_id: str | None = None
    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of it: whose it is, or why it is nobody's."""

    profile_id: int | None = None
    is_new: bool = False
    problem: Refused | None = None


class NobodyHas(Refused):
    """No profile has the address."""


class NotTheirs(Refused):
    """The profile that is named does not have the address, or is not there."""


class SentHere(Refused):
    """Campaign itself sends the delivery."""


def refuse_own(delivery: Delivery) -> None:
    """Refuse to record anything for a delivery that Campaign itself sends."""
    if Sending.objects.filter(delivery=delivery).exists():
        raise SentHere(
            f"{delivery.label!r} is sent by Campaign itself: what another system "
            "sent cannot be recorded for it."
        )


def record(delivery: Delivery, items: Sequence[HandedOver]) -> list[Result]:
    """Record messages in a fixed number of statements; raises Refused."""
    refuse_own(delivery)
    read = [addresses.accept(delivery.channel, item.address) for item in items]
    now = timezone.now()
    with transaction.atomic():
        holders, targeted = _holders(
            delivery, {one.key for one in read if one.is_valid}
        )
        given = Message.objects.filter(delivery=delivery)
        everybody = {pk for pks in holders.values() for pk in pks}
        known = {
            pk
            for (pk,) in given.filter(among("profile_id", everybody)).values_list(
                "profile_id"
            )
        }
        new: dict[int, Message] = {}
        results = []
        for item, one in zip(items, read, strict=True):
            owners = holders.get(one.key, []) if one.is_valid else []
            if item.profile_id is not None and owners:
                owners = [pk for pk in owners if pk == item.profile_id]
                if not owners:
                    text = f"Profile {item.profile_id} does not have the address."
                    results.append(Result(problem=NotTheirs(text)))
                    continue
            if not owners:
                problem = NobodyHas("No profile has the address.")
                why = one.reason and addresses.InvalidAddress("{why}", why=one.reason)
                results.append(Result(problem=why or problem))
                continue
            pk = next((pk for pk in owners if pk in targeted), owners[0])
            results.append(Result(pk, pk not in known))
            if pk not in known:
                known.add(pk)
                new[pk] = Message(
                    delivery=delivery,
                    profile_id=pk,
                    channel=delivery.channel,
                    address=one.value,
                    sent_at=item.at or now,
                    message_id=item.message_id,
                    provider_id=item.provider_id,
                )
        rows = list(new.values())
        Message.objects.bulk_create(rows, ignore_conflicts=True)
        intake.messages_recorded(rows)
    return results


def _holders(
    delivery: Delivery, keys: set[str]
) -> tuple[dict[str, list[int]], set[int]]:
    """The profiles that have each address, lowest id first; who of them is a target."""
    holders: dict[str, list[int]] = {}
    held = Address.objects.filter(among("key", keys), channel=delivery.channel)
    for key, pk in held.order_by("profile_id").values_list("key", "profile_id"):
        holders.setdefault(key, []).append(pk)
    everybody = {pk for pks in holders.values() for pk in pks}
    outcomes = Outcome.objects.filter(
        among("profile_id", everybody), delivery=delivery, rule__isnull=True
    )
    return holders, set(outcomes.values_list("profile_id", flat=True))
