"""Who may be contacted now: the rules and lists of the last check, for some people.

For another system that hands over itself. Its question is about people or addresses and
no delivery, so all causes are told, and duplicates are not judged. Of an address that
several profiles have, each must be free: whoever asks by an address does not know which
of them it is about.
"""

import functools
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from audiences import addresses, suppression
from audiences.addresses import trial
from audiences.addresses.trial import TRIAL
from audiences.conditions import Span
from audiences.membership import Members
from audiences.models import Address, Service
from audiences.sql.many import CompiledAmong, among
from audiences.sql.statements import Compiled
from delivery.models import Delivery, QuarantineEntry
from delivery.rules import typologies
from delivery.rules.judgement import Judge, judge_by
from delivery.rules.rule import STATUS_RULES, SUPPRESSED, OwnRule, Situation
from delivery.rules.some_people import (
    NOTHING,
    Causes,
    Codes,
    PrimaryAddresses,
    asked_of_some,
)

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


def of_profiles(question: Question, ids: Iterable[int]) -> dict[int, Answer]:
    """The answer about each profile, at its primary address, in a few statements."""
    look = _look(question)
    people = look.people(set(ids))
    of_key = look.of_keys({key for _codes, key in people.values() if key})
    say = look.saying()
    return {
        pk: say(codes | of_key[key] if key in of_key else codes, key)
        for pk, (codes, key) in people.items()
    }


def of_addresses(question: Question, texts: Iterable[str]) -> dict[str, Answer]:
    """The answer about each address, whoever has it, in a few statements."""
    read = {text: addresses.accept(question.channel, text) for text in texts}
    keys = sorted({given.key for given in read.values() if given.is_valid})
    look = _look(question)
    owned, of_key = look.owners(keys), look.of_keys(keys)
    say = look.saying()
    answers = {}
    for text, given in read.items():
        key = given.key
        if not given.is_valid:
            answers[text] = Answer([INVALID])
            continue
        codes = owned.get(key, _UNKNOWN)
        if key in of_key:
            codes |= of_key[key]
        answers[text] = say(codes, key)
    return answers


# ------------------------------------------------------------------ judging
_UNKNOWN: Codes = frozenset({UNKNOWN})
_LISTED: Codes = frozenset({SUPPRESSED.code})
_BY_STATUS = {str(status): frozenset({code}) for status, code in STATUS_RULES.items()}
_FREE = Answer(())


class _Look:
    """What the rules say of any people, composed once for a few seconds.

    To compose it takes the ORM longer than the database needs to answer. As at the last
    check present rows are judged, at the moment of each question; days, audiences that
    rules name and the deliveries that are prepared are those of when it was made.
    """

    def __init__(self, question: Question, at: datetime) -> None:
        self.question, self.at = question, at
        self.judge = _judge(question, at)
        self._rules = asked_of_some(self.judge)

    @functools.cached_property
    def _of_people(self) -> tuple[PrimaryAddresses, Causes]:
        primary = PrimaryAddresses(self.judge, self._rules)
        return primary, Causes(self.judge, primary.left)

    @functools.cached_property
    def _of_owners(self) -> tuple[CompiledAmong, Causes]:
        # What is judged of the primary address does not hold for another one.
        rules = [(r, q) for r, q in self._rules if r.code not in _OF_ADDRESS]
        rows = Address.objects.order_by().filter(
            among("key", CompiledAmong.texts),
            channel=self.question.channel,
            is_valid=True,
        )
        owned = CompiledAmong(rows.values_list("key", "profile_id"))
        return owned, Causes(self.judge, rules)

    @functools.cached_property
    def _entries(self) -> CompiledAmong:
        rows = QuarantineEntry.objects.order_by().filter(
            among("key", CompiledAmong.texts),
            channel=self.question.channel,
            status__in=STATUS_RULES,
        )
        return CompiledAmong(rows.values_list("key", "status"))

    def people(self, ids: Collection[int]) -> dict[int, tuple[Codes, str]]:
        """Of each profile that there is the causes, and its primary address's key."""
        primary, causes = self._of_people
        people = primary.of(ids)
        for pk, more in causes.of(ids).items():
            if pk in people:
                codes, key = people[pk]
                people[pk] = codes | more, key
        return people

    def owners(self, keys: Collection[str]) -> dict[str, Codes]:
        """The causes of everybody who has an address, by its key."""
        addresses_of, causes_of = self._of_owners
        owned = addresses_of.rows(keys)
        causes = causes_of.of({pk for _key, pk in owned})
        found: dict[str, Codes] = {}
        for key, pk in owned:
            codes = causes.get(pk, NOTHING)
            found[key] = found[key] | codes if key in found else codes
        return found

    def of_keys(self, keys: Collection[str]) -> dict[str, Codes]:
        """The causes that lists name, for those of the addresses that are on one."""
        found = {key: _BY_STATUS[status] for key, status in self._entries.rows(keys)}
        if self.question.purpose not in SUPPRESSED.skipped_by:
            channel = self.question.channel
            for _channel, key in suppression.met([(channel, key) for key in keys]):
                found[key] = found.get(key, NOTHING) | _LISTED
        return found

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

        def say(codes: Codes, key: str) -> Answer:
            if not codes:
                on_list = not is_trial or trial.allows(channel, key)
                return _FREE if on_list else Answer([TRIAL])
            answer = known.get(codes)
            if answer is None:
                # What is no rule's, such as `unknown`, comes first.
                listed = sorted(codes, key=lambda code: numbers.get(code, -1))
                answer = known[codes] = Answer(listed)
            return answer

        return say


# For so long what was composed is asked, and for so many questions it is kept.
KEPT, MOST_KEPT = timedelta(seconds=5), 200
_looks: dict[tuple[Any, ...], _Look] = {}


def _look(question: Question) -> _Look:
    now = timezone.now()
    name = question, *_own_rules().rows()
    look = _looks.get(name)
    if look is None or not timedelta(0) <= now - look.at < KEPT:
        if len(_looks) >= MOST_KEPT:
            _looks.clear()
        look = _looks[name] = _Look(question, now)
    return look


@functools.cache
def _own_rules() -> Compiled:
    """The operators' rules, by which a look was made."""
    rules = typologies.own_rules().values_list("pk", *OwnRule.__annotations__)
    return Compiled(rules, ())


def forget() -> None:
    """Let the next question see the rules as they are now."""
    _looks.clear()


def _judge(question: Question, at: datetime) -> Judge:
    asked = CompiledAmong.numbers
    situation = Situation(
        channel=question.channel,
        purpose=question.purpose,
        service_id=question.service.pk if question.service else None,
        at=at,
        span=Span(CompiledAmong.low, CompiledAmong.high, asked),
        asks_entries=True,
    )
    return judge_by(Members.everyone(), situation, typologies.rows_of(None))
