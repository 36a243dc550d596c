"""Who may be contacted now: the rules and lists of the last check, for some people.

For another system that hands over itself. Its question is about people or addresses and
no delivery, so all causes are told, and duplicates are not judged. Of an address that
several profiles have, each must be free: whoever asks by an address does not know which
of them it is about.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.utils import timezone

from audiences import addresses, suppression
from audiences.addresses import trial
from audiences.addresses.trial import TRIAL
from audiences.conditions import Span
from audiences.membership import Members
from audiences.models import Address, AddressStatus, Profile, Service
from audiences.sql.many import CompiledAmong, among
from delivery.models import Delivery, QuarantineEntry
from delivery.rules import typologies
from delivery.rules.judgement import Judge, judge_by
from delivery.rules.rule import STATUS_RULES, SUPPRESSED, Situation

UNKNOWN = "unknown"
INVALID = "address_invalid"
# What is judged of the primary address, and does not hold for another one.
_OF_ADDRESS = {"address_missing", INVALID, SUPPRESSED.code, *STATUS_RULES.values()}


@dataclass(frozen=True)
class Question:
    """About which channel, for what, and of which service, if of one."""

    channel: str
    purpose: str = Delivery.Purpose.MARKETING
    service: Service | None = None


@dataclass(frozen=True)
class Answer:
    """Why somebody must not be contacted; nothing: they may. `address`: where."""

    causes: Sequence[str]
    address: str = ""

    @property
    def is_contactable(self) -> bool:
        return not self.causes


def of_profiles(question: Question, ids: Iterable[int]) -> dict[int, Answer]:
    """The answer about each profile, at its primary address, in a few statements."""
    judge = _judge(question)
    found = _judged(judge, set(ids))
    met = _suppressed(question, [row.key for row in found.values() if row.key])
    return {
        pk: _answer(
            judge,
            {*row.codes} | ({SUPPRESSED.code} if row.key in met else set()),
            row.value,
        )
        for pk, row in found.items()
    }


def of_addresses(question: Question, texts: Iterable[str]) -> dict[str, Answer]:
    """The answer about each address, whoever has it, in a few statements."""
    channel = question.channel
    read = {text: addresses.accept(channel, text) for text in texts}
    keys = {given.key for given in read.values() if given.is_valid}
    owners: dict[str, list[int]] = {}
    rows = Address.objects.filter(among("key", keys), channel=channel, is_valid=True)
    for key, pk in rows.order_by("pk").values_list("key", "profile_id"):
        owners.setdefault(key, []).append(pk)
    judge = _judge(question)
    people = _judged(judge, {pk for pks in owners.values() for pk in pks})
    statuses = _statuses(channel, keys)
    met = _suppressed(question, keys)
    answers = {}
    for text, given in read.items():
        if not given.is_valid:
            answers[text] = Answer([INVALID])
            continue
        own = [people[pk] for pk in owners.get(given.key, []) if pk in people]
        causes = {code for row in own for code in row.codes} - _OF_ADDRESS
        causes |= set() if own else {UNKNOWN}
        causes |= (
            {STATUS_RULES[statuses[given.key]]} if given.key in statuses else set()
        )
        causes |= {SUPPRESSED.code} if given.key in met else set()
        answers[text] = _answer(judge, causes, given.value)
    return answers


# ------------------------------------------------------------------ judging
@dataclass(frozen=True)
class _Row:
    codes: Sequence[str]
    value: str
    key: str


def _judged(judge: Judge, ids: set[int]) -> dict[int, _Row]:
    """What the rules say of each profile that there is, and its primary address."""
    if not ids:
        return {}
    stand_in = CompiledAmong.stand_in
    people = Profile.objects.filter(among("id", stand_in)).order_by()
    judge = judge.given(span=Span(min(ids), max(ids), people.values("id")))
    rules = judge.predicates()
    columns: list[Any] = [
        Case(
            When(predicate, then=Value(True)),
            default=Value(False),
            output_field=BooleanField(),
        )
        for _rule, predicate in rules
    ]
    status = QuarantineEntry.objects.filter(
        channel=judge.situation.channel,
        key=OuterRef("main_address__key"),
        status__in=STATUS_RULES,
    )
    rows: QuerySet[Any, Any] = judge.named(people).values_list(
        "pk",
        "main_address__value",
        "main_address__key",
        Subquery(status.values("status")[:1]),
        *columns,
    )
    codes = [rule.code for rule, _predicate in rules]
    return {
        pk: _Row(
            [code for code, is_met in zip(codes, met, strict=True) if is_met]
            + ([STATUS_RULES[entry]] if entry else []),
            value or "",
            key or "",
        )
        for pk, value, key, entry, *met in CompiledAmong(rows).rows(sorted(ids))
    }


def _judge(question: Question) -> Judge:
    situation = Situation(
        channel=question.channel,
        purpose=question.purpose,
        service_id=question.service.pk if question.service else None,
        at=timezone.now(),
        asks_entries=True,
    )
    return judge_by(Members.everyone(), situation, typologies.rows_of(None))


def _statuses(channel: str, keys: Iterable[str]) -> Mapping[str, AddressStatus]:
    rows = QuarantineEntry.objects.filter(
        among("key", keys), channel=channel, status__in=STATUS_RULES
    )
    return {key: AddressStatus(s) for key, s in rows.values_list("key", "status")}


def _suppressed(question: Question, keys: Iterable[str]) -> set[str]:
    """Those of the addresses that are on the list, asked by their hashes."""
    if question.purpose in SUPPRESSED.skipped_by:
        return set()
    met = suppression.met((question.channel, key) for key in keys)
    return {key for _channel, key in met}


def _answer(judge: Judge, causes: set[str], address: str) -> Answer:
    """The causes in the order of the rules; a site on trial keeps most from it."""
    if not causes:
        channel = judge.situation.channel
        on_list = not trial.is_on() or trial.allows(channel, address)
        return Answer([] if on_list else [TRIAL], address)
    if len(causes) == 1:
        return Answer([*causes], address)
    # What is no rule's, such as `unknown`, comes first.
    return Answer(sorted(causes, key=lambda code: judge.numbers.get(code, -1)), address)
