"""What arrived, compared with the histories: what may never be, and how near it was."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from django.conf import settings

from audiences import sql
from delivery.models import Delivery, Dispatch, Message
from delivery.sending.crew import HANDFUL
from delivery.sending.status import status_of

from . import people

if TYPE_CHECKING:
    from .sending import Run

# Seconds between the commit of an opt-out and the last arrival that may follow it.
GRACE = 1.0
_COMMITTED = "extract(epoch FROM pg_xact_commit_timestamp(({}::text::xid8)::xid))"
# When an opt-out was committed, by profile: of mails, and of text messages.
_OPTED_OUT = {
    "email": "SELECT profile_id, MIN({}) FROM audiences_consentevent"
    " WHERE kind IN ('opt_out', 'unsubscribe') GROUP BY 1",
    "sms": "SELECT profile_id, {} FROM audiences_address"
    " WHERE channel = 'sms' AND quarantine_status = 'denylisted'",
}


def look(run: "Run", both: Sequence[Delivery]) -> int:
    """Print what was found; returns 1 if anything may not be."""
    arrived = people.arrivals(run.log.read_text().splitlines())
    bad = [
        *_twice(arrived),
        *_lost(run),
        *(
            finding
            for delivery in both
            for finding in (
                *_after(run, delivery, arrived),
                *_statuses(run, delivery, arrived),
            )
        ),
    ]
    for finding in bad:
        print(f"WRONG: {finding}")
    print("Something is wrong." if bad else "Nothing is wrong.", flush=True)
    return 1 if bad else 0


def _twice(arrived: people.Arrivals) -> Iterator[str]:
    for whose, moments in arrived.items():
        if len(moments) > 1:
            yield f"{whose} got it {len(moments)} times"


def _opted_out(run: "Run", channel: str) -> dict[int, float]:
    """When opt-outs were committed; on SQLite, when they had been answered."""
    if run.cluster is None:
        return {pk: at for which, pk, at in run.answered if which == channel}
    committed = _COMMITTED.format("transaction_id")
    return people.as_facts(sql.fetch(_OPTED_OUT[channel].format(committed)))


def _claimed(run: "Run", delivery: Delivery) -> dict[int, float]:
    """When the last claim of each target was committed."""
    moment = _COMMITTED.format("made_in") if run.cluster else "at"
    return people.as_facts(
        sql.fetch(
            f"SELECT profile_id, MAX({moment}) FROM chaos_claim"
            " WHERE delivery_id = %s GROUP BY 1",
            [delivery.pk],
        )
    )


def _after(run: "Run", delivery: Delivery, arrived: people.Arrivals) -> Iterator[str]:
    """Whoever was claimed, or got it, after their opt-out was committed."""
    opted_out = _opted_out(run, delivery.channel)
    claimed = _claimed(run, delivery)
    latest, near = 0.0, 0
    for pk, out in opted_out.items():
        moments = arrived.get((delivery.channel, pk), [])
        for moment in moments:
            latest = max(latest, moment - out)
            near += claimed[pk] < out < moment
            if moment - out > GRACE:
                yield f"{pk} got {delivery} {moment - out:.2f} s after the opt-out"
            if claimed[pk] > out:
                yield f"{pk} opted out, and was claimed after that for {delivery}"
    print(
        f"{delivery}: {len(opted_out):,} opted out. Of those, {near} were on their way"
        f" to the server meanwhile, the last of them for {latest * 1000:.0f} ms."
    )


def _statuses(
    run: "Run", delivery: Delivery, arrived: people.Arrivals
) -> Iterator[str]:
    """Each target is in one status, which agrees with what arrived."""
    found = status_of(delivery)
    rows = dict(
        Dispatch.objects.filter(delivery=delivery).values_list("profile_id", "status")
    )
    got = {pk for channel, pk in arrived if channel == delivery.channel}
    by_status = Counter(rows.values())
    kills = run.workers.kills if run.workers else 0
    print(f"{delivery}: {found.to_deliver:,} to deliver, {dict(by_status)}")
    if found.state != "sent":
        yield f"{delivery} is {found.state} {found.reason}"
    if len(rows) != found.to_deliver:
        yield f"{len(rows):,} of {found.to_deliver:,} targets of {delivery} have a row"
    if others := {*by_status} - {"sent", "withdrawn", "uncertain", "refused"}:
        yield f"{delivery} is sent, and some are {others}"
    sent = {pk for pk, status in rows.items() if status == "sent"}
    uncertain = {pk for pk, status in rows.items() if status == "uncertain"}
    if lost := sent - got:
        yield f"{len(lost)} are sent and did not arrive: {sorted(lost)[:5]}"
    if unknown := got - sent - uncertain:
        yield f"{len(unknown)} arrived and are neither: {sorted(unknown)[:5]}"
    messages = {
        *Message.objects.filter(delivery=delivery).values_list("profile_id", flat=True)
    }
    if messages != sent | uncertain:
        yield f"{len(messages ^ (sent | uncertain))} messages do not agree"
    restarts = (run.cluster.restarts if run.cluster else 0) * 4
    if len(uncertain) > (kills + restarts) * settings.SEND_CONNECTIONS * HANDFUL:
        yield f"{len(uncertain)} are uncertain after {kills} kills"
    print(
        f"{delivery}: {len(uncertain)} are uncertain after {kills} kills, of whom"
        f" {len(uncertain & got)} got it."
    )


def _lost(run: "Run") -> Iterator[str]:
    """Opt-outs that were answered and are not in the history."""
    if run.cluster is not None:
        for channel in _OPTED_OUT:
            answered = {pk for which, pk, _at in run.answered if which == channel}
            if lost := answered - {*_opted_out(run, channel)}:
                yield f"{len(lost)} opt-outs were answered and are lost"
    print(
        f"{len(run.answered):,} opt-outs were answered,"
        f" {run.unanswered.total()} were not: {dict(run.unanswered)}."
    )
