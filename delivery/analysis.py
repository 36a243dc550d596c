"""The analysis of a delivery: who gets it, who is excluded, and why (D1 to D4).

The audience is walked in chunks. Each chunk is one INSERT … SELECT that lets all rules
judge, committed together with the new position: it shows progress, can be stopped and
goes on where it was, also after the process was killed. Then, in one transaction,
profiles that lose a shared address are excluded, the causes are counted, the warnings
written, and the delivery is ready.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import (
    BooleanField,
    Case,
    Count,
    F,
    QuerySet,
    Value,
    When,
)
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audiences import bulk_sql, membership
from audiences.models import Profile
from audiences.refusals import Refused

from . import judgement
from .exclusions import DUPLICATE, Rule, rule_ids
from .models import Analysis, Delivery, Message, Outcome

SHARES_ADDRESS = "shares_address_with_opted_out"
WARNINGS = {
    SHARES_ADDRESS: _("To deliver, but an opted-out profile has the same address"),
}
SECONDS_TO_WAIT = 5


class AnalysisRefused(Refused):
    """The analysis cannot run now; the message says why."""


@dataclass(frozen=True)
class Line:
    """A cause or warning in a report: its code, what it means, how many profiles."""

    code: str
    label: str
    count: int


@dataclass(frozen=True)
class Report:
    """What an analysis found (D4)."""

    delivery: Delivery
    state: str
    targeted: int
    to_deliver: int
    causes: list[Line]
    warnings: list[Line]
    seconds: float

    @property
    def excluded(self) -> int:
        return self.targeted - self.to_deliver


@dataclass(frozen=True)
class Progress:
    """How far a run is: profiles judged, and how many the audience had at its start."""

    done: int
    expected: int


def _ignore(progress: Progress) -> None:
    pass


def analyse(
    delivery: Delivery,
    *,
    on_progress: Callable[[Progress], None] = _ignore,
    should_stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Run the analysis to its end, or until `should_stop` says so after a chunk.

    A run that was stopped or killed goes on where it was, unless the delivery has
    changed since; otherwise the results of the last run are replaced. Raises
    AnalysisRefused when another process analyses the delivery, or when its messages
    have been handed over.
    """
    started = time.monotonic()
    with _only_one(delivery):
        if Message.objects.filter(delivery=delivery).exists():
            raise AnalysisRefused(
                f"Messages of {delivery.label!r} were handed over: its outcomes stand. "
                "Create a new delivery."
            )
        run = _begin_or_resume(delivery)
        before = run.seconds
        try:
            while _judge_chunk(run):
                on_progress(Progress(run.done, run.expected))
                if should_stop():
                    run.state = Analysis.State.STOPPED
                    break
            else:
                _finish(run)
        except Exception as error:
            run.state, run.error = Analysis.State.FAILED, f"{error}"
            raise
        finally:
            run.seconds = before + time.monotonic() - started
            if run.state != Analysis.State.RUNNING:
                run.finished_at = timezone.now()
            run.save(update_fields=["state", "error", "seconds", "finished_at"])
    return report_of(run)


@contextmanager
def _only_one(delivery: Delivery) -> Iterator[None]:
    """Hold the delivery's lock; wait a little, then refuse and name the holder."""
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while True:
        try:
            with bulk_sql.process_lock(f"analysis-{delivery.pk}"):
                yield
                return
        except bulk_sql.Locked as error:
            if time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            run = delivery.latest_analysis
            who = f"process {run.process} on {run.host}" if run else "another process"
            raise AnalysisRefused(
                f"{delivery.label!r} is being analysed by {who}. Wait until it is done."
            ) from error


def _definition(delivery: Delivery) -> dict[str, Any]:
    return {
        "channel": delivery.channel,
        "purpose": delivery.purpose,
        "service": delivery.service_id,
        "audience": delivery.audience_id,
        "contact_date": (
            delivery.contact_date.isoformat() if delivery.contact_date else None
        ),
    }


def _begin_or_resume(delivery: Delivery) -> Analysis:
    host, process = socket.gethostname(), os.getpid()
    definition = _definition(delivery)
    run = delivery.latest_analysis
    unfinished = (Analysis.State.RUNNING, Analysis.State.STOPPED, Analysis.State.FAILED)
    if run and run.state in unfinished and run.definition == definition:
        run.state, run.error = Analysis.State.RUNNING, ""
        run.host, run.process = host, process
        run.save()
        return run
    at = judgement.situation_of(delivery).at
    expected = judgement.audience_profiles(delivery, at).count()
    with transaction.atomic():
        Outcome.objects.filter(delivery=delivery).delete()
        return Analysis.objects.create(
            delivery=delivery,
            at=at,
            definition=definition,
            expected=expected,
            host=host,
            process=process,
        )


def _judge_chunk(run: Analysis) -> bool:
    """Judge the next chunk of the audience; returns whether there was one."""
    delivery = run.delivery
    situation = judgement.situation_of(delivery, run.at)
    members = membership.member_ids(delivery.audience, run.at)
    size = settings.ANALYSIS_CHUNK_SIZE
    with transaction.atomic():
        last = membership.member_range(members, run.position, size)
        if last is None:
            return False
        profiles = judgement.audience_profiles(delivery, run.at)
        reach = (run.position + 1, last)
        judged = judgement.prepared(profiles, situation, reach).values_list(
            Value(delivery.pk),
            F("pk"),
            F("main_address__value"),
            judgement.cause(situation, judgement.rules_of(delivery), rule_ids()),
        )
        columns = ["delivery_id", "profile_id", "address", "rule_id"]
        run.done += bulk_sql.insert_select(Outcome, columns, judged)
        run.position = last
        run.save(update_fields=["position", "done"])
    return True


def _finish(run: Analysis) -> None:
    """Judge duplicates, count, warn; the run is ready or nothing of this is written."""
    delivery = run.delivery
    situation = judgement.situation_of(delivery, run.at)
    with transaction.atomic():
        targeted = Outcome.objects.filter(delivery=delivery, rule__isnull=True)
        ids = targeted.values("profile_id")
        losers = judgement.losers(delivery.channel, ids)
        if DUPLICATE.predicate(replace(situation, losers=losers)) is not None:
            targeted.filter(profile_id__in=losers).update(
                rule_id=rule_ids()[DUPLICATE.code]
            )
        run.counts = _counts(delivery)
        run.warnings = {
            code: warned_profiles(delivery, code).count() for code in WARNINGS
        }
        run.state = Analysis.State.READY
        run.save(update_fields=["counts", "warnings", "state"])


def _counts(delivery: Delivery) -> dict[str, int]:
    """How many outcomes each rule decided, by code; "" are those to deliver."""
    codes = {number: code for code, number in rule_ids().items()}
    rows = (
        Outcome.objects.filter(delivery=delivery)
        .order_by()
        .values_list("rule_id")
        .annotate(count=Count("profile_id"))
    )
    return {codes.get(rule_id, ""): count for rule_id, count in rows}


def warned_profiles(delivery: Delivery, code: str) -> QuerySet[Any, Any]:
    """Ids of the profiles to deliver that a warning is about, as `profile_id`.

    Raises KeyError for an unknown code.
    """
    WARNINGS[code]
    targeted = Outcome.objects.filter(delivery=delivery, rule__isnull=True)
    return judgement.sharing_with_opted_out(
        delivery.channel, targeted.values("profile_id")
    )


def dry_run(delivery: Delivery) -> Report:
    """What an analysis would find now; stores nothing."""
    started = time.monotonic()
    situation = judgement.situation_of(delivery)
    rules = judgement.rules_of(delivery)
    profiles = judgement.audience_profiles(delivery, situation.at)
    contenders = judgement.survivors(profiles, situation, rules)
    situation = replace(
        situation, losers=judgement.losers(delivery.channel, contenders)
    )
    numbers = rule_ids()
    judged = judgement.prepared(profiles, situation).annotate(
        cause=judgement.cause(situation, rules, numbers)
    )
    codes = {number: code for code, number in numbers.items()}
    counts = {
        codes.get(number, ""): count
        for number, count in judged.values_list("cause").annotate(count=Count("pk"))
    }
    targeted = judged.filter(cause__isnull=True).values("pk")
    warned = judgement.sharing_with_opted_out(delivery.channel, targeted)
    seconds = time.monotonic() - started
    return _report(
        delivery, delivery.state, counts, {SHARES_ADDRESS: warned.count()}, seconds
    )


def report_of(run: Analysis) -> Report:
    """The report of a run; the counts of one that is not ready are still empty."""
    return _report(run.delivery, run.state, run.counts, run.warnings, run.seconds)


def _report(
    delivery: Delivery,
    state: str,
    counts: dict[str, int],
    warnings: dict[str, int],
    seconds: float,
) -> Report:
    return Report(
        delivery=delivery,
        state=state,
        targeted=sum(counts.values()),
        to_deliver=counts.get("", 0),
        causes=[
            Line(rule.code, str(rule.label), counts.get(rule.code, 0))
            for rule in judgement.rules_of(delivery)
        ],
        warnings=[
            Line(code, str(label), warnings.get(code, 0))
            for code, label in WARNINGS.items()
        ],
        seconds=seconds,
    )


@dataclass(frozen=True)
class Explanation:
    """Why a profile would not get a delivery now: the first rule, and all (D8)."""

    profile: Profile
    address: str | None
    in_audience: bool
    deciding: Rule | None
    matching: list[Rule]


def explain(delivery: Delivery, profile: Profile) -> Explanation:
    """Let the rules judge one profile as it is at this moment.

    A profile outside the audience is judged by no rule.
    """
    situation = judgement.situation_of(delivery)
    rules = judgement.rules_of(delivery)
    profiles = judgement.audience_profiles(delivery, situation.at)
    primary = profile.addresses.filter(
        channel=delivery.channel, is_primary=True
    ).first()
    if primary:
        holders = primary.__class__.objects.filter(
            channel=delivery.channel, key=primary.key, is_primary=True
        )
        rivals = profiles.filter(pk__in=holders.values("profile_id"))
        contenders = judgement.survivors(rivals, situation, rules)
        situation = replace(
            situation,
            losers=judgement.losers(delivery.channel, contenders, primary.key),
        )
    predicates = {
        rule.code: predicate
        for rule in rules
        if (predicate := rule.predicate(situation)) is not None
    }
    row = (
        judgement.prepared(
            profiles.filter(pk=profile.pk), situation, (profile.pk, profile.pk)
        )
        .annotate(
            **{
                f"rule_{code}": Case(
                    When(predicate, then=True),
                    default=False,
                    output_field=BooleanField(),
                )
                for code, predicate in predicates.items()
            }
        )
        .values()
        .first()
    )
    matching = [r for r in rules if row and row.get(f"rule_{r.code}")]
    return Explanation(
        profile=profile,
        address=primary.value if primary else None,
        in_audience=row is not None,
        deciding=matching[0] if matching else None,
        matching=matching,
    )
