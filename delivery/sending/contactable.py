"""Who may be contacted now: the rules and lists of the last check, for some people.

For another system that hands over itself. Its question is about people or addresses and
no delivery, so all causes are told, and duplicates are not judged. Of an address that
several profiles have, each must be free: whoever asks by an address does not know which
of them it is about.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.utils import timezone

from audiences import addresses, suppression, wishes
from audiences.addresses import trial
from audiences.addresses.trial import TRIAL
from audiences.conditions import Span
from audiences.membership import Members
from audiences.models import Address, AddressStatus, Profile, Service
from audiences.sql.many import CompiledAmong, among
from audiences.sql.statements import look_ups
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
    """Why somebody must not be contacted; nothing: they may."""

    causes: Sequence[str]

    @property
    def is_contactable(self) -> bool:
        return not self.causes


@look_ups()
def of_profiles(question: Question, ids: Iterable[int]) -> dict[int, Answer]:
    """The answer about each profile, at its primary address, in a few statements."""
    look = _look(question)
    found = look.judged(set(ids))
    met = _suppressed(question, [key for _codes, _value, key in found.values() if key])
    say = look.saying()
    return {
        pk: say(codes | _LISTED if key in met else codes, value)
        for pk, (codes, value, key) in found.items()
    }


@look_ups()
def of_addresses(question: Question, texts: Iterable[str]) -> dict[str, Answer]:
    """The answer about each address, whoever has it, in a few statements."""
    channel = question.channel
    read = {text: addresses.accept(channel, text) for text in texts}
    keys = {given.key for given in read.values() if given.is_valid}
    owners: dict[str, list[int]] = {}
    rows = Address.objects.filter(among("key", keys), channel=channel, is_valid=True)
    for key, pk in rows.order_by("pk").values_list("key", "profile_id"):
        owners.setdefault(key, []).append(pk)
    look = _look(question)
    people = look.judged({pk for pks in owners.values() for pk in pks})
    statuses = _statuses(channel, keys)
    met = _suppressed(question, keys)
    say = look.saying()
    answers = {}
    for text, given in read.items():
        key = given.key
        if not given.is_valid:
            answers[text] = Answer([INVALID])
            continue
        own = [people[pk][0] for pk in owners.get(key, ()) if pk in people]
        causes = (own[0].union(*own[1:]) - _OF_ADDRESS) if own else _UNKNOWN
        if key in statuses:
            causes |= {STATUS_RULES[statuses[key]]}
        answers[text] = say(causes | _LISTED if key in met else causes, given.value)
    return answers


# ------------------------------------------------------------------ judging
Codes = frozenset[str]
_UNKNOWN: Codes = frozenset({UNKNOWN})
_LISTED: Codes = frozenset({SUPPRESSED.code})
_FREE = Answer(())


class _Look:
    """What the rules say of any people, composed once for a few seconds.

    To compose it takes the ORM longer than the database needs to answer. As at the last
    check present rows are judged; the definitions of the rules, the deliveries that are
    prepared and the moment are those of when it was made.
    """

    def __init__(self, question: Question, at: datetime, has_limits: bool) -> None:
        self.question, self.at = question, at
        self.judge = judge = _judge(question, at, has_limits)
        people = Profile.objects.filter(among("id", CompiledAmong.stand_in)).order_by()
        ends = CompiledAmong.low, CompiledAmong.high
        judge = judge.given(span=Span(*ends, people.values("id")))
        rules = judge.predicates()
        status = QuarantineEntry.objects.filter(
            channel=question.channel,
            key=OuterRef("main_address__key"),
            status__in=STATUS_RULES,
        )
        rows: QuerySet[Any, Any] = judge.named(people).values_list(
            "pk",
            "main_address__value",
            "main_address__key",
            Subquery(status.values("status")[:1]),
            *(_is_met(predicate) for _rule, predicate in rules),
        )
        self._rows = CompiledAmong(rows)
        self._codes = [rule.code for rule, _predicate in rules]

    def judged(self, ids: set[int]) -> dict[int, tuple[Codes, str, str]]:
        """The causes of each profile that there is, its primary address, and its key.

        Most people have the same causes: each combination is read once.
        """
        known: dict[tuple[Any, ...], Codes] = {}
        found = {}
        for pk, value, key, *causes in self._rows.rows(sorted(ids)):
            combination = tuple(causes)
            codes = known.get(combination)
            if codes is None:
                codes = known[combination] = self._read(*combination)
            found[pk] = codes, value or "", key or ""
        return found

    def _read(self, status: str | None, *met: bool) -> Codes:
        codes = {code for code, is_met in zip(self._codes, met, strict=True) if is_met}
        return frozenset(
            codes | ({STATUS_RULES[AddressStatus(status)]} if status else set())
        )

    def saying(self) -> Callable[[Codes, str], Answer]:
        """What makes answers of causes, in the order of the rules.

        A site on trial keeps most from whom nothing else does.
        """
        numbers, channel, is_trial = (
            self.judge.numbers,
            self.question.channel,
            trial.is_on(),
        )
        known: dict[Codes, Answer] = {}

        def say(codes: Codes, address: str) -> Answer:
            if not codes:
                on_list = not is_trial or trial.allows(channel, address)
                return _FREE if on_list else Answer([TRIAL])
            answer = known.get(codes)
            if answer is None:
                # What is no rule's, such as `unknown`, comes first.
                listed = sorted(codes, key=lambda code: numbers.get(code, -1))
                answer = known[codes] = Answer(listed)
            return answer

        return say


def _is_met(predicate: Q) -> Case:
    return Case(
        When(predicate, then=Value(True)),
        default=Value(False),
        output_field=BooleanField(),
    )


# For so long what was composed is asked, and for so many questions it is kept.
KEPT, MOST_KEPT = timedelta(seconds=5), 200
_looks: dict[tuple[Question, bool], _Look] = {}


def _look(question: Question) -> _Look:
    now = timezone.now()
    # Where nobody has a limit, the statement is half as long.
    name = question, wishes.limits_of().exists()
    look = _looks.get(name)
    if look is None or not timedelta(0) <= now - look.at < KEPT:
        if len(_looks) >= MOST_KEPT:
            _looks.clear()
        look = _looks[name] = _Look(question, now, name[1])
    return look


def forget() -> None:
    """Let the next question see the rules as they are now."""
    _looks.clear()


def _judge(question: Question, at: datetime, has_limits: bool) -> Judge:
    situation = Situation(
        channel=question.channel,
        purpose=question.purpose,
        service_id=question.service.pk if question.service else None,
        at=at,
        asks_entries=True,
        has_limits=has_limits,
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
    met = suppression.met([(question.channel, key) for key in keys])
    return {key for _channel, key in met}
