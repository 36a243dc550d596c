"""How far a preparation is from the present: what it was made of, its age, its people.

A prepared delivery may go out for a day, and only as it was when it was prepared. Whom
it would leave out now is counted live, and cheaply: of a large target only the people
who changed last are looked at.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from audiences import sql, subscriptions
from audiences.channels import FLAGS, Channel
from audiences.models import Address, ConsentEvent, Profile
from audiences.organisation import read_once
from audiences.refusals import Refused
from delivery import rules
from delivery.analysis import definitions
from delivery.models import (
    AddressError,
    Analysis,
    Delivery,
    Message,
    Outcome,
    QuarantineAction,
    TypologyRule,
)
from delivery.rules.rule import GOOD_FOR
from delivery.sending.last_check import LastCheck

READY = Analysis.State.READY
ALL = (0, 2**62)


class OutOfDate(Enum):
    """Why a preparation may not go out any more."""

    CHANGED = "changed"
    OLD = "old"


def out_of_date(runs: Iterable[Analysis]) -> dict[int, OutOfDate]:
    """Which of these runs are ready, not handed over, and out of date; by their id.

    The rules of each typology and the organisation are read once, whatever the number
    of runs; for the same fetch the variants of their deliveries with them.
    """
    ready = {run.delivery_id: run for run in runs if run.state == READY}
    sent = Exists(Message.objects.filter(delivery=OuterRef("pk")))
    waiting = Delivery.objects.filter(~sent, pk__in=ready).values_list("pk", flat=True)
    rows: dict[int | None, list[TypologyRule]] = {}
    found = {}
    with read_once():
        for pk in waiting:
            run = ready[pk]
            typology = run.delivery.typology_id
            if typology not in rows:
                rows[typology] = rules.rows_of(run.delivery.typology)
            if definitions.is_stale(run, rows[typology]):
                found[run.pk] = OutOfDate.CHANGED
            elif run.finished_at and timezone.now() - run.finished_at > GOOD_FOR:
                found[run.pk] = OutOfDate.OLD
    return found


# ------------------------------------------------------------------ who would go
@dataclass(frozen=True)
class Drift:
    """Whom of a target the last check would leave out now, by cause.

    Not `is_complete`: there may be more; only those who changed last were looked at.
    """

    causes: dict[str, int]
    is_complete: bool

    @property
    def count(self) -> int:
        return sum(self.causes.values())


# A target up to this size is checked as a whole; of larger ones, so many of the last
# rows of each kind that change people.
FEW, LAST = 5_000, 400
SECONDS = 1.0


def drift_of(run: Analysis) -> Drift | None:
    """Whom the delivery of a ready run would leave out now; None when that is unknown.

    It takes a few milliseconds, and as many for a million as for a thousand.
    """
    is_complete = run.to_deliver <= FEW
    try:
        with sql.time_limit(SECONDS):
            among = None if is_complete else _changed_last(run.delivery)
            found = LastCheck(run.delivery, among).excluded(*ALL)
    except (sql.TooSlow, Refused):
        return None
    return Drift(dict(Counter(found.values()).most_common()), is_complete)


def _changed_last(delivery: Delivery) -> list[int]:
    """The targets among the people about whom something was written last."""
    channel = delivery.channel
    people: set[int] = set()
    for rows in (
        ConsentEvent.objects.all(),
        Address.objects.filter(channel=channel),
        Message.objects.exclude(delivery=delivery),
    ):
        newest: QuerySet[Any] = rows.order_by("-pk")
        people |= set(newest.values_list("profile_id", flat=True)[:LAST])
    keys: set[str] = set()
    for evidence in (AddressError, QuarantineAction):
        newest = evidence._default_manager.order_by("-pk")
        last = newest.values_list("channel", "key")[:LAST]
        keys |= {key for of_channel, key in last if of_channel == channel}
    held = Address.objects.order_by().filter(channel=channel, key__in=keys)
    people |= set(held.values_list("profile_id", flat=True)[: 2 * LAST])
    targets = Outcome.objects.filter(
        delivery=delivery, rule=None, profile_id__in=people
    )
    return list(targets.values_list("profile_id", flat=True))


# ------------------------------------------------------------------ one person
def changed_since(profile: Profile, delivery_ids: Iterable[int]) -> set[int]:
    """Which of these deliveries decided about a person before the person changed.

    By what was recorded about consent and addresses since the run began; and, whatever
    was recorded when, by an address, an opt-out or a subscription that is not what the
    decision says. Not of those that the person got: they stand. A fixed number of
    queries.
    """
    latest = Analysis.objects.filter(delivery=OuterRef("delivery_id")).order_by("-id")
    got = Message.objects.filter(delivery=OuterRef("delivery_id"), profile=profile)
    decided = (
        Outcome.objects.filter(profile=profile, delivery_id__in=list(delivery_ids))
        .filter(~Exists(got))
        .annotate(began=Subquery(latest.values("started_at")[:1]))
        .select_related("delivery", "rule")
    )
    now = _Present.of(profile)
    return {outcome.delivery_id for outcome in decided if now.differs_from(outcome)}


@dataclass(frozen=True)
class _Present:
    """What is true of a person now, and when it last changed."""

    profile: Profile
    primary: dict[str, str]
    changes: list[tuple[str, Any]]
    services: set[int]

    @classmethod
    def of(cls, profile: Profile) -> "_Present":
        held = list(profile.addresses.all())
        active = profile.subscriptions.filter(subscriptions.active(timezone.now()))
        return cls(
            profile,
            {a.channel: a.value for a in held if a.is_primary},
            list(_changes(profile, held)),
            set(active.values_list("service_id", flat=True)),
        )

    def differs_from(self, outcome: Any) -> bool:
        delivery = outcome.delivery
        channel = delivery.channel
        if any(
            of_channel in ("", channel) and outcome.began and at > outcome.began
            for of_channel, at in self.changes
        ):
            return True
        if (outcome.address or "") != self.primary.get(channel, ""):
            return True
        if outcome.rule is not None or rules.skips_denylist(delivery.purpose):
            return False
        is_out = any(
            getattr(self.profile, FLAGS[scope])
            for scope in FLAGS
            if scope in ("any", channel)
        )
        has_left = delivery.service_id and delivery.service_id not in self.services
        return bool(is_out or has_left)


def _changes(profile: Profile, held: list[Address]) -> Iterator[tuple[str, Any]]:
    """The channel and the moment of what was recorded; "" is about any channel."""
    for channel, at in (
        ConsentEvent.objects.filter(profile=profile)
        .order_by("-pk")
        .values_list("channel", "at")[:100]
    ):
        yield ("" if channel not in Channel.values else channel), at
    about = Q(pk__in=[])
    for address in held:
        about |= Q(channel=address.channel, key=address.key)
    yield from (
        AddressError.objects.filter(about)
        .order_by("-pk")
        .values_list("channel", "recorded_at")[:100]
    )
    yield from (
        QuarantineAction.objects.filter(about)
        .order_by("-pk")
        .values_list("channel", "at")[:100]
    )
