"""Why somebody left: asked after the act, kept beside its event, never required."""

from collections.abc import Iterable

from audiences.models import ConsentEvent, LeavingReason
from audiences.models.wishes import LONGEST_REASON

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


def reasons_of(event_ids: Iterable[int]) -> dict[int, LeavingReason]:
    """What was said about these events, by their ids; one query."""
    rows = LeavingReason.objects.filter(event_id__in=[*event_ids])
    return {row.event_id: row for row in rows}
