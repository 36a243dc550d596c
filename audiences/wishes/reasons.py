"""Why somebody left: asked after the act, kept beside its event, never required."""

from collections import Counter
from collections.abc import Iterable

from django.db.models import QuerySet

from audiences.models import ConsentEvent, LeavingReason
from audiences.models.wishes import LONGEST_REASON

MOST_COUNTED = 1_000
STOPS = (ConsentEvent.Kind.OPT_OUT, ConsentEvent.Kind.UNSUBSCRIBE)


def give_reason(
    profile_id: int, event_ids: Iterable[int], reason: str, text: str
) -> bool:
    """Keep why the person did what these events say; the last word counts.

    Returns whether there was something to keep, and an act of leaving to keep it with.
    """
    reason = reason if reason in LeavingReason.Reason.values else ""
    text = text.replace("\0", "").strip()[:LONGEST_REASON]
    event = (
        ConsentEvent.objects.filter(
            pk__in=[*event_ids], profile_id=profile_id, kind__in=STOPS
        )
        .order_by("pk")
        .first()
    )
    if event is None or not (reason or text):
        return False
    LeavingReason.objects.update_or_create(
        event=event,
        defaults={"profile_id": profile_id, "reason": reason, "text": text},
    )
    return True


def reasons_of(profile_id: int) -> QuerySet[LeavingReason]:
    """Why a person left, the newest first."""
    rows = LeavingReason.objects.filter(profile_id=profile_id).select_related(
        "event__service"
    )
    return rows.order_by("-at")


def counted(service_id: int) -> list[tuple[str, int]]:
    """How often each reason was given for leaving a service, the frequent first.

    Of the latest that were given: a page counts no more.
    """
    rows = LeavingReason.objects.filter(event__service_id=service_id).exclude(reason="")
    latest = rows.order_by("-event_id").values_list("reason", flat=True)[:MOST_COUNTED]
    labels = dict(LeavingReason.Reason.choices)
    found = [(str(labels[reason]), count) for reason, count in Counter(latest).items()]
    return sorted(found, key=lambda each: (-each[1], each[0]))
