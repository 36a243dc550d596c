"""How far a sending is, and what came of it: counted, never guessed (F6).

At every moment: to deliver = waiting + sent + withdrawn + refused + uncertain.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from audiences.models import ConsentEvent
from delivery.models import Delivery, Dispatch, EventKind, MessageEvent, Sending

Status = Dispatch.Status


@dataclass(frozen=True)
class SendingStatus:
    """The counts of a delivery, in the names of the command `delivery_status`."""

    state: str
    to_deliver: int
    sent: int
    withdrawn: dict[str, int]
    refused: int
    uncertain: int
    delivered: int
    failed: int
    complaints: int
    unsubscribed: int
    reason: str
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def waiting(self) -> int:
        """Those not yet claimed, being handed over at this moment, or to try again."""
        settled = self.sent + sum(self.withdrawn.values())
        return self.to_deliver - settled - self.refused - self.uncertain


def status_of(delivery: Delivery) -> SendingStatus:
    """How far the delivery is, whatever state it is in."""
    sending = Sending.objects.filter(delivery=delivery).first()
    run = delivery.latest_analysis
    counts, withdrawn = _counted(delivery)
    came_back = _came_back(delivery)
    return SendingStatus(
        state=sending.state if sending else delivery.state,
        to_deliver=run.to_deliver if run else 0,
        sent=counts.get(Status.SENT, 0),
        withdrawn=withdrawn,
        refused=counts.get(Status.REFUSED, 0),
        uncertain=counts.get(Status.UNCERTAIN, 0),
        delivered=came_back.get(EventKind.DELIVERED, 0),
        failed=came_back.get(EventKind.FAILED, 0),
        complaints=came_back.get(EventKind.COMPLAINT, 0),
        unsubscribed=_unsubscribed(delivery),
        reason=sending.reason if sending else "",
        started_at=sending.started_at if sending else None,
        finished_at=sending.finished_at if sending else None,
    )


def as_json(delivery: Delivery, found: SendingStatus) -> dict[str, Any]:
    """The status as the contract has it."""
    withdrawn = [{"code": c, "count": n} for c, n in sorted(found.withdrawn.items())]
    return {
        "delivery": {
            "id": delivery.pk,
            "label": delivery.label,
            "channel": delivery.channel,
            "purpose": delivery.purpose,
        },
        "state": found.state,
        "to_deliver": found.to_deliver,
        "waiting": found.waiting,
        "sent": found.sent,
        "withdrawn": withdrawn,
        "refused": found.refused,
        "uncertain": found.uncertain,
        "delivered": found.delivered,
        "failed": found.failed,
        "complaints": found.complaints,
        "unsubscribed": found.unsubscribed,
        "reason": found.reason,
        "started_at": found.started_at and found.started_at.isoformat(),
        "finished_at": found.finished_at and found.finished_at.isoformat(),
    }


def _counted(delivery: Delivery) -> tuple[dict[str, int], dict[str, int]]:
    """How many targets are in each status; the withdrawn ones by cause."""
    rows = Dispatch.objects.filter(delivery=delivery).order_by()
    by_status: dict[str, int] = {}
    withdrawn: dict[str, int] = {}
    found = rows.values_list("status", "code").annotate(count=Count("profile_id"))
    for status, code, count in found:
        by_status[status] = by_status.get(status, 0) + count
        if status == Status.WITHDRAWN:
            withdrawn[code] = count
    return by_status, withdrawn


def _came_back(delivery: Delivery) -> dict[str, int]:
    """How many messages of the delivery each kind of event is about."""
    rows = MessageEvent.objects.filter(message__delivery=delivery).order_by()
    found = rows.values_list("kind").annotate(count=Count("message", distinct=True))
    return dict(found)


def _unsubscribed(delivery: Delivery) -> int:
    """People who opted out or unsubscribed by a link or header of the delivery."""
    kinds = (ConsentEvent.Kind.OPT_OUT, ConsentEvent.Kind.UNSUBSCRIBE)
    rows = ConsentEvent.objects.filter(delivery_id=delivery.pk, kind__in=kinds)
    return int(rows.aggregate(count=Count("profile_id", distinct=True))["count"])
