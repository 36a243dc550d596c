"""The analysis of a delivery: who gets it, who is excluded, and why (D1 to D8).

Control rules look at the message; an error stops here. Then the audience is judged in
chunks (`delivery.chunks`): it shows progress, can be stopped, goes on where it was also
after the process was killed, and any number of connections and machines can help. Last,
in one transaction, profiles that lose a shared address are excluded, the causes are
counted, the warnings written, and the delivery is ready.
"""

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection, transaction
from django.db.models import (
    BooleanField,
    Case,
    Count,
    F,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audiences import bulk_sql, membership
from audiences.models import Address, Audience, Profile
from audiences.refusals import Refused

from . import chunks, controls, judgement, typologies
from .exclusions import DUPLICATE, Rule, Situation, skips_denylist
from .models import (
    Analysis,
    AnalysisChunk,
    Delivery,
    Message,
    Outcome,
    OutcomeWarning,
    StagedHolder,
    Typology,
)

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
    error: str = ""

    @property
    def notice(self) -> str:
        """What must be said before the figures."""
        if not skips_denylist(self.delivery.purpose):
            return ""
        return (
            f"The purpose {self.delivery.purpose} reaches opted-out people too: "
            f"{self.delivery.purpose_note or 'no note says why'}"
        )

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
    connections: int = 1,
    wait_seconds: float = SECONDS_TO_WAIT,
    on_begin: Callable[[Analysis], None] = lambda run: None,
    on_progress: Callable[[Progress], None] = _ignore,
    should_stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Run the analysis to its end, or until it is stopped after the present chunk.

    It stops when `should_stop` or `request_stop` says so. A run that was stopped or
    killed goes on where it was, unless the delivery or its rules have changed since;
    otherwise the results of the last run are replaced. `connections` work at once
    (SQLite has one writer); `on_begin` may ask other machines to help. Raises
    AnalysisRefused when another process still analyses the delivery after
    `wait_seconds`, when its messages have been handed over, or when the connection to
    the database is lost.
    """
    started = time.monotonic()
    with _only_one(delivery, wait_seconds):
        if Message.objects.filter(delivery=delivery).exists():
            raise AnalysisRefused(
                f"Messages of {delivery.label!r} were handed over: its outcomes stand. "
                "Create a new delivery."
            )
        run = _begin_or_resume(delivery)
        session, before = connection.connection, run.seconds
        try:
            if run.state == Analysis.State.RUNNING:
                on_begin(run)
                _judge_all(run, connections, on_progress, should_stop)
        except Exception as error:
            if _lost(session):
                # Our lock is lost with it: as after kill -9, nothing is written.
                reason = str(error).partition("\n")[0]
                raise AnalysisRefused(
                    f"The connection to the database was lost ({reason}). What was "
                    "judged stands: analyse the delivery again to go on."
                ) from error
            run.state, run.error = Analysis.State.FAILED, f"{error}"
            raise
        finally:
            if not _lost(session):
                _close(run, before + time.monotonic() - started)
    return report_of(run)


def _lost(session: Any) -> bool:
    """Whether the connection broke; Django may have opened another one since."""
    return connection.connection is not session or not connection.is_usable()


def request_stop(delivery: Delivery) -> bool:
    """Ask a running analysis to stop after its chunks; returns whether one runs."""
    latest = delivery.latest_analysis
    if latest is None or latest.state != Analysis.State.RUNNING:
        return False
    return bool(Analysis.objects.filter(pk=latest.pk).update(stop_requested=True))


def _judge_all(
    run: Analysis,
    connections: int,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> None:
    """Judge chunks until none are left, with helpers on connections of their own."""
    stopping = threading.Event()

    def help_judging() -> None:
        try:
            while not stopping.is_set() and chunks.judge_next(run):
                pass
        finally:
            connection.close()

    helpers = connections - 1 if bulk_sql.is_postgresql() else 0
    with ThreadPoolExecutor(max(helpers, 1)) as pool:
        others = [pool.submit(help_judging) for _number in range(helpers)]
        try:
            while _work_is_left(run):
                judged = chunks.judge_next(run)
                on_progress(progress_of(run))
                if should_stop():
                    request_stop(run.delivery)
                if not judged:
                    time.sleep(0.02)
        finally:
            stopping.set()
        for other in others:
            other.result()
    if AnalysisChunk.objects.filter(analysis=run, is_judged=False).exists():
        run.state = Analysis.State.STOPPED
    else:
        _finish(run)


def _work_is_left(run: Analysis) -> bool:
    """Chunks to judge, here or elsewhere, and nobody has asked to stop."""
    return AnalysisChunk.objects.filter(
        analysis=run, is_judged=False, analysis__stop_requested=False
    ).exists()


def progress_of(run: Analysis) -> Progress:
    rows = AnalysisChunk.objects.filter(analysis=run).order_by()
    sizes = dict(rows.values_list("is_judged").annotate(size=Sum("size")))
    done = sizes.get(True, 0)
    return Progress(done, done + sizes.get(False, 0))


def _close(run: Analysis, seconds: float) -> None:
    run.seconds = seconds
    if run.state != Analysis.State.RUNNING:
        run.finished_at = timezone.now()
    run.save(update_fields=["state", "error", "seconds", "finished_at"])


@contextmanager
def _only_one(delivery: Delivery, wait_seconds: float) -> Iterator[None]:
    """Hold the delivery's lock; wait a little, then refuse and name the holder."""
    deadline = time.monotonic() + wait_seconds
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


def _begin_or_resume(delivery: Delivery) -> Analysis:
    run = delivery.latest_analysis
    unfinished = (Analysis.State.RUNNING, Analysis.State.STOPPED, Analysis.State.FAILED)
    if run and run.state in unfinished and run.chunks.exists():
        run.delivery = delivery
        if run.definition == chunks.definition_of(run):
            run.state, run.error, run.stop_requested = Analysis.State.RUNNING, "", False
            run.host, run.process = socket.gethostname(), os.getpid()
            run.save()
            return run
    return _begin(delivery)


def _begin(delivery: Delivery) -> Analysis:
    """A new run in place of the last one's results."""
    run = Analysis(
        delivery=delivery,
        at=judgement.situation_of(delivery).at,
        host=socket.gethostname(),
        process=os.getpid(),
    )
    run.definition = chunks.definition_of(run)
    findings = controls.inspect(delivery, typologies.rows_of(delivery))
    run.findings = [vars(finding) for finding in findings]
    errors = [f.text for f in findings if f.severity == controls.Severity.ERROR]
    with transaction.atomic():
        # The chunks go first: whoever judges one holds its row, and is waited for.
        AnalysisChunk.objects.filter(analysis__delivery=delivery).delete()
        Outcome.objects.filter(delivery=delivery).delete()
        OutcomeWarning.objects.filter(delivery=delivery).delete()
        if errors:
            run.state, run.error = Analysis.State.FAILED, " ".join(errors)
        run.save()
        if not errors:
            chunks.plan(run)
    return run


def _finish(run: Analysis) -> None:
    """Judge duplicates, count, warn; the run is ready or nothing of this is written."""
    delivery = run.delivery
    situation = judgement.situation_of(delivery, run.at)
    targeted = Outcome.objects.filter(delivery=delivery, rule__isnull=True)
    with transaction.atomic():
        _stage_holders(run, targeted.values("profile_id"))
        staged = StagedHolder.objects.all()
        losers = judgement.losers(staged, targeted.values("profile_id"))
        if DUPLICATE.predicate(replace(situation, losers=losers)) is not None:
            targeted.filter(profile_id__in=losers).update(
                rule_id=typologies.rule_ids()[DUPLICATE.code]
            )
        warned = judgement.sharing_with_opted_out(
            delivery.channel, staged, targeted.values("profile_id")
        )
        run.counts = _counts(delivery)
        people = warned.values_list(
            Value(delivery.pk), Value(SHARES_ADDRESS), F("profile_id")
        )
        columns = ["delivery_id", "code", "profile_id"]
        count = bulk_sql.insert_select(OutcomeWarning, columns, people)
        run.warnings = {SHARES_ADDRESS: count}
        run.state = Analysis.State.READY
        run.save(update_fields=["counts", "warnings", "state"])


# An audience up to this size is looked up profile by profile.
FEW = 20_000


def _stage_holders(run: Analysis, targeted: QuerySet[Any, Any]) -> None:
    """Look once for the addresses that are shared; the planner must know how many."""
    few = run.done <= FEW
    if not few:
        bulk_sql.analyze(Outcome)
    holders = judgement.shared_holders(
        run.delivery.channel, among=targeted if few else None
    )
    columns = ["profile_id", "key"]
    bulk_sql.stage(StagedHolder, columns, holders.values_list(*columns))
    bulk_sql.analyze(StagedHolder)


def _counts(delivery: Delivery) -> dict[str, int]:
    """How many outcomes each rule decided, by code; "" are those to deliver."""
    codes = {number: code for code, number in typologies.rule_ids().items()}
    rows = (
        Outcome.objects.filter(delivery=delivery)
        .order_by()
        .values_list("rule_id")
        .annotate(count=Count("profile_id"))
    )
    return {codes.get(rule_id, ""): count for rule_id, count in rows}


def warned_profiles(delivery: Delivery, code: str) -> QuerySet[Any, Any]:
    """Ids of the profiles that a warning of the report is about, as `profile_id`.

    Raises KeyError for an unknown code.
    """
    WARNINGS[code]
    rows = OutcomeWarning.objects.filter(delivery=delivery, code=code)
    return rows.values("profile_id")


def dry_run(delivery: Delivery) -> Report:
    """What an analysis would find now; stores nothing."""
    started = time.monotonic()
    findings = controls.inspect(delivery, typologies.rows_of(delivery))
    counts, warned = _tally(delivery)
    return _report(
        delivery,
        delivery.state,
        typologies.rules_of(delivery),
        counts=counts,
        warnings={SHARES_ADDRESS: warned},
        findings=[vars(finding) for finding in findings],
        seconds=time.monotonic() - started,
    )


def forecast(
    audience: Audience,
    channel: str,
    *,
    purpose: str = Delivery.Purpose.MARKETING,
    typology: Typology | None = None,
) -> Report:
    """The reach of an audience on a channel, by cause, before any delivery exists (D8).

    The same statement as a dry run; stores nothing.
    """
    started = time.monotonic()
    delivery = Delivery(
        audience=audience, channel=channel, purpose=purpose, typology=typology
    )
    counts, warned = _tally(delivery)
    rules = typologies.rules_of(delivery)
    return _report(
        delivery,
        Delivery.State.DRAFT,
        rules,
        counts=counts,
        warnings={SHARES_ADDRESS: warned},
        findings=[],
        seconds=time.monotonic() - started,
    )


def overlap(first: Audience, second: Audience) -> dict[str, int]:
    """How many profiles two audiences have, apart and together."""
    now = timezone.now()
    ours = membership.profiles(first, now)
    theirs = membership.profiles(second, now)
    return {
        "first": ours.count(),
        "second": theirs.count(),
        "both": ours.filter(pk__in=theirs.values("pk")).count(),
    }


def _tally(delivery: Delivery) -> tuple[dict[str, int], int]:
    """How many profiles each rule would decide, and how many the warning is about."""
    situation = judgement.situation_of(delivery)
    rules = typologies.rules_of(delivery)
    profiles = judgement.audience_profiles(delivery, situation.at)
    contenders = judgement.survivors(profiles, situation, rules)
    holders = judgement.shared_holders(delivery.channel)
    losers = judgement.losers(holders, contenders)
    situation = replace(situation, losers=losers)
    numbers = typologies.rule_ids()
    judged = judgement.prepared(profiles, situation).annotate(
        cause=judgement.cause(situation, rules, numbers)
    )
    codes = {number: code for code, number in numbers.items()}
    counts = {
        codes.get(number, ""): count
        for number, count in judged.values_list("cause").annotate(count=Count("pk"))
    }
    targeted = judged.filter(cause__isnull=True).values("pk")
    warned = judgement.sharing_with_opted_out(delivery.channel, holders, targeted)
    return counts, warned.count()


def report_of(run: Analysis) -> Report:
    """The report of a run; the counts of one that is not ready are still empty."""
    return _report(
        run.delivery,
        run.state,
        chunks.rules_of(run),
        counts=run.counts,
        warnings=run.warnings,
        findings=run.findings,
        seconds=run.seconds,
        error=run.error,
    )


def _report(
    delivery: Delivery,
    state: str,
    rules: list[Rule],
    *,
    counts: dict[str, int],
    warnings: dict[str, int],
    findings: list[dict[str, Any]],
    seconds: float,
    error: str = "",
) -> Report:
    found = Counter(finding["code"] for finding in findings)
    labels = {
        finding["code"]: f"{finding['label']}: {finding['text']}"
        for finding in reversed(findings)
    }
    return Report(
        delivery=delivery,
        state=state,
        targeted=sum(counts.values()),
        to_deliver=counts.get("", 0),
        causes=[
            Line(rule.code, str(rule.label), counts.get(rule.code, 0)) for rule in rules
        ],
        warnings=[
            *(
                Line(code, str(label), warnings.get(code, 0))
                for code, label in WARNINGS.items()
            ),
            *(Line(code, labels[code], count) for code, count in found.items()),
        ],
        seconds=seconds,
        error=error,
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
    rules = typologies.rules_of(delivery)
    profiles = judgement.audience_profiles(delivery, situation.at)
    primary = profile.addresses.filter(
        channel=delivery.channel, is_primary=True
    ).first()
    if primary:
        situation = _with_rivals(situation, profiles, rules, primary)
    situation = replace(situation, reach=(profile.pk, profile.pk))
    predicates = {
        rule.code: predicate
        for rule in rules
        if (predicate := rule.predicate(situation)) is not None
    }
    columns = {
        f"rule_{number}": Case(
            When(predicate, then=True), default=False, output_field=BooleanField()
        )
        for number, predicate in enumerate(predicates.values())
    }
    judged = judgement.prepared(profiles.filter(pk=profile.pk), situation)
    row = judged.annotate(**columns).values(*columns).first()
    matches = dict(zip(predicates, row.values(), strict=True)) if row else {}
    matching = [rule for rule in rules if matches.get(rule.code)]
    return Explanation(
        profile=profile,
        address=primary.value if primary else None,
        in_audience=row is not None,
        deciding=matching[0] if matching else None,
        matching=matching,
    )


def _with_rivals(
    situation: Situation,
    profiles: QuerySet[Profile],
    rules: list[Rule],
    primary: Address,
) -> Situation:
    """The situation in which those who lose this one address are known."""
    holders = Address.objects.filter(
        channel=primary.channel, key=primary.key, is_primary=True
    ).values_list("profile_id", flat=True)
    ids = list(holders)
    if len(ids) == 1:
        return situation
    among_them = replace(situation, reach=(min(ids), max(ids)))
    rivals = profiles.filter(pk__in=ids)
    contenders = judgement.survivors(rivals, among_them, rules)
    shared = judgement.shared_holders(primary.channel, key=primary.key)
    losers = judgement.losers(shared, contenders)
    return replace(situation, losers=losers)
