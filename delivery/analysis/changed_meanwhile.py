"""What changed while an analysis ran: those people are judged again before it ends.

A run takes minutes, or a night when it is stopped or killed in between. Anyone who opts
out, whose address fails or who gets another address meanwhile must not stand in its
results as before. Consent, errors, decisions about addresses and new addresses are
rows with rising ids: a run keeps how far each table was when it began.
"""

from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, Model, OuterRef, QuerySet

from audiences import sql
from audiences.models import Address, ConsentEvent, StagedProfile, Subscription
from audiences.sql import statements
from delivery.models import AddressError, Analysis, Outcome, QuarantineAction

ACTIVE = Subscription.Status.ACTIVE
TABLES: list[type[Model]] = [ConsentEvent, Address, AddressError, QuarantineAction]
# A transaction that is open when the run begins may have drawn lower ids than the last
# one to be seen; then this many rows are looked at once more. (An import writes 5,000
# rows in each transaction.)
SLACK = 20_000


def marks() -> dict[str, int]:
    """How far each table is, for `Analysis.marks`."""
    found = {
        model.__name__: model._default_manager.aggregate(last=Max("pk"))["last"] or 0
        for model in TABLES
    }
    # Asked afterwards: who has committed since is seen by every chunk.
    slack = SLACK if statements.are_written(*TABLES) else 0
    return {name: max(last - slack, 0) for name, last in found.items()}


def stage_changed(run: Analysis, channel: str, now: datetime) -> None:
    """Stage the profiles of the results that changed since the run began.

    Also those with a subscription whose date has passed meanwhile: that writes nothing.
    `conditions.of_staged` then gives their span.
    """

    def since(model: type[Model], **facts: Any) -> QuerySet[Any]:
        last = run.marks.get(model.__name__, 0)
        return model._default_manager.order_by().filter(pk__gt=last, **facts)

    reported = since(AddressError, channel=channel).values("key")
    decided = since(QuarantineAction, channel=channel).values("key")
    of_channel = Address.objects.order_by().filter(channel=channel)
    changed = (
        since(ConsentEvent).values("profile_id"),
        since(Address, channel=channel).values("profile_id"),
        of_channel.filter(key__in=reported).values("profile_id"),
        of_channel.filter(key__in=decided).values("profile_id"),
        Subscription.objects.order_by()
        .filter(status=ACTIVE, expires_at__gt=run.at, expires_at__lte=now)
        .values("profile_id"),
    )
    people = changed[0].union(*changed[1:]).values_list("profile_id")
    if not sql.stage(StagedProfile, ["id"], people):
        return
    sql.analyze(StagedProfile)
    judged = Outcome.objects.filter(delivery=run.delivery_id, profile_id=OuterRef("id"))
    StagedProfile.objects.filter(~Exists(judged)).delete()
