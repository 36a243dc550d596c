"""The targets of a delivery that is sent, one by one, as rows of a file."""

from collections.abc import Iterator
from typing import Any

from django.db.models import OuterRef, Subquery

from audiences.models import Profile
from delivery.models import Delivery, Dispatch, Message, Outcome

COLUMNS = (
    *("profile", "external_id", "address", "status", "at", "message_id", "code"),
)


def rows(delivery: Delivery, status: str = "") -> Iterator[tuple[Any, ...]]:
    """What became of each target that was claimed, in the order of the profiles.

    One that nobody has claimed yet waits, and is listed as such.
    """
    dispatches = Dispatch.objects.filter(delivery=delivery)
    if status:
        dispatches = dispatches.filter(status=status)
    own = {"delivery": delivery, "profile_id": OuterRef("profile_id")}
    found = dispatches.annotate(
        external=Subquery(
            Profile.objects.filter(pk=OuterRef("profile_id")).values("external_id")[:1]
        ),
        address=Subquery(Outcome.objects.filter(**own).values("address")[:1]),
        number=Subquery(Message.objects.filter(**own).values("message_id")[:1]),
    )
    columns = ("profile_id", "external", "address", "status", "at", "number", "code")
    for pk, external, address, state, at, number, code in (
        found.order_by("profile_id").values_list(*columns).iterator()
    ):
        yield (
            pk,
            external or "",
            address or "",
            state,
            at.isoformat(),
            number or "",
            code,
        )
    if status in ("", Dispatch.Status.WAITING):
        yield from _unclaimed(delivery)


def _unclaimed(delivery: Delivery) -> Iterator[tuple[Any, ...]]:
    claimed = Dispatch.objects.filter(delivery=delivery).values("profile_id")
    targets = Outcome.objects.filter(delivery=delivery, rule__isnull=True)
    left = targets.exclude(profile_id__in=claimed).order_by("profile_id")
    for pk, external, address in left.values_list(
        "profile_id", "profile__external_id", "address"
    ).iterator():
        yield pk, external or "", address or "", Dispatch.Status.WAITING, "", "", ""
