"""What rules say of some people, for whoever asks about a thousand of them at once.

A statement that looks at each person reads a row of each from every table. Most rules
exclude few, whom an index finds (`Rule.is_indexed`), or look at one row that the person
has, a primary address or a subscription, which is read alone. Each person is looked at
only for what is left, such as operators' filters.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import BooleanField, Case, Model, Q, QuerySet, Value, When

from audiences.models import Profile
from audiences.sql.many import CompiledAmong, among
from delivery.rules.judgement import Judge
from delivery.rules.own_limits import OWN_LIMIT, limited
from delivery.rules.rule import MAIN_ADDRESS, SUBSCRIPTION, Rule

Codes = frozenset[str]
# Not a cause: who has set a limit is asked about it.
_LIMITED = Rule("has_limit", "", lambda situation: None, is_indexed=True)
NOTHING: Codes = frozenset()
Ruled = tuple[Rule, Q]


def asked_of_some(judge: Judge) -> list[Ruled]:
    """The rules that judge, with when they exclude, but for people's own limit.

    To count messages takes a long statement: it is composed where somebody has a limit.
    """
    rules = [rule for rule in judge.rules if rule is not OWN_LIMIT]
    return replace(judge, rules=rules).predicates()


class Causes:
    """The rules that exclude some people; composed once, asked for any of them.

    `judge` has a span of `CompiledAmong.numbers`; `rules` are those of `asked_of_some`
    that are asked. People's own limit is always.
    """

    def __init__(self, judge: Judge, rules: Sequence[Ruled]) -> None:
        self._judge, at = judge, judge.situation.at
        indexed = [(rule, q) for rule, q in rules if rule.is_indexed]
        others = [(rule, q) for rule, q in rules if not rule.is_indexed]
        situation = judge.situation
        is_skipped = situation.purpose in OWN_LIMIT.skipped_by
        if OWN_LIMIT in judge.rules and not is_skipped:
            ids = limited(situation).values("profile_id")
            indexed.append((_LIMITED, Q(pk__in=ids)))
        self._few = _Few(_people(), indexed, at)
        self._subscribed, rows = None, judge.subscriptions()
        if rows is not None:
            asked = _Named(SUBSCRIPTION, rows, others, at)
            self._subscribed = asked if len(asked.left) < len(others) else None
            others = asked.left
        self._each = _Each(judge.named(_people()), others, at) if others else None

    def of(self, ids: Collection[int]) -> dict[int, Codes]:
        """The causes, by their id, of those of the profiles who have any."""
        found = self._each.of(ids) if self._each else {}
        if self._subscribed:
            _add(found, self._subscribed.of(ids))
        few = self._few.of(ids)
        with_limit = [pk for pk, codes in few.items() if _LIMITED.code in codes]
        for pk in with_limit:
            few[pk] -= {_LIMITED.code}
        _add(found, few)
        if with_limit:
            _add(found, self._over_limit.of(with_limit))
        return {pk: codes for pk, codes in found.items() if codes}

    @cached_property
    def _over_limit(self) -> "_Few":
        situation = self._judge.situation
        predicate = OWN_LIMIT.predicate(situation)
        rules = [] if predicate is None else [(OWN_LIMIT, predicate)]
        return _Few(_people(), rules, situation.at)


class PrimaryAddresses:
    """The primary addresses of some people, and what rules say of these alone."""

    def __init__(self, judge: Judge, rules: Sequence[Ruled]) -> None:
        rows, at = judge.main_addresses(), judge.situation.at
        self._named = _Named(MAIN_ADDRESS, rows, rules, at, "key")
        self._people = CompiledAmong(_people().values_list("pk"))
        self.left = self._named.left

    def of(self, ids: Collection[int]) -> dict[int, tuple[Codes, str]]:
        """Of each profile that there is the causes, and the key of the address."""
        found = {row[0]: (codes, row[1]) for codes, row in self._named.rows(ids)}
        without = [pk for pk in ids if pk not in found]
        lacks = (self._named.lacking, "")
        found |= {pk: lacks for (pk,) in self._people.rows(without)}
        return found


class _Named:
    """Rules that look only at a row that a person has, or has not, under a name.

    `left` are the other rules; `lacking` the codes for those who have no such row.
    """

    def __init__(
        self,
        name: str,
        rows: QuerySet[Any],
        rules: Sequence[Ruled],
        at: datetime,
        *columns: str,
    ) -> None:
        self.left, met, absent = [], [], set()
        for rule, predicate in rules:
            asked = _of_row(predicate, f"{name}__")
            if _is_absent(predicate, name):
                absent.add(rule.code)
            elif asked is not None:
                met.append((rule, asked))
            else:
                self.left.append((rule, predicate))
        self.lacking = frozenset(absent)
        some = rows.filter(among("profile_id", CompiledAmong.numbers)).order_by()
        self._asked = _Met(some, ("profile_id", *columns), met, at)

    def rows(self, ids: Collection[int]) -> Iterator[tuple[Codes, tuple[Any, ...]]]:
        """The codes of each row that there is, the profile's id and the columns."""
        return self._asked.rows(ids)

    def of(self, ids: Collection[int]) -> dict[int, Codes]:
        """The causes of those who have any, by id."""
        codes = {row[0]: codes for codes, row in self.rows(ids)}
        return {pk: found for pk in ids if (found := codes.get(pk, self.lacking))}


class _Each:
    """Rules that need a look at each person."""

    def __init__(
        self, people: QuerySet[Profile], rules: Sequence[Ruled], at: datetime
    ) -> None:
        self._asked = _Met(people, ("pk",), rules, at)

    def of(self, ids: Collection[int]) -> dict[int, Codes]:
        return {row[0]: codes for codes, row in self._asked.rows(ids) if codes}


class _Few:
    """Rules by which an index finds those whom they exclude."""

    def __init__(
        self, people: QuerySet[Profile], rules: Sequence[Ruled], at: datetime
    ) -> None:
        self._codes = [frozenset({rule.code}) for rule, _predicate in rules]
        parts = [
            _found_by(people, part, number)
            for number, (_rule, predicate) in enumerate(rules)
            for part in _alternatives(predicate)
        ]
        self._rows = None
        if parts:
            self._rows = CompiledAmong(parts[0].union(*parts[1:], all=True), at)

    def of(self, ids: Collection[int]) -> dict[int, Codes]:
        found: dict[int, Codes] = {}
        for number, pk in self._rows.rows(ids) if self._rows else ():
            found[pk] = found.get(pk, NOTHING) | self._codes[number]
        return found


class _Met:
    """A statement: some columns of some rows, and the codes of what excludes."""

    def __init__(
        self,
        rows: QuerySet[Any],
        columns: Sequence[str],
        rules: Sequence[Ruled],
        at: datetime,
    ) -> None:
        self._codes = [rule.code for rule, _predicate in rules]
        self._width = len(columns)
        met = [_is_met(predicate) for _rule, predicate in rules]
        self._rows = CompiledAmong(rows.values_list(*columns, *met), at)
        # Most people have the same causes: each combination is read once.
        self._read: dict[tuple[Any, ...], Codes] = {}

    def rows(self, ids: Collection[int]) -> Iterator[tuple[Codes, tuple[Any, ...]]]:
        """The codes and the columns of each row."""
        width, read = self._width, self._read
        for row in self._rows.rows(ids):
            combination = row[width:]
            codes = read.get(combination)
            if codes is None:
                pairs = zip(self._codes, combination, strict=True)
                codes = read[combination] = frozenset(c for c, met in pairs if met)
            yield codes, row


def _people() -> QuerySet[Profile]:
    return Profile.objects.filter(among("id", CompiledAmong.numbers)).order_by()


def _add(found: dict[int, Codes], more: dict[int, Codes]) -> None:
    for pk, codes in more.items():
        found[pk] = found[pk] | codes if pk in found else codes


# ------------------------------------------------------------------ predicates
def _alternatives(predicate: Q) -> Iterator[Q]:
    """What a predicate is any of: asked apart, each has an index of its own."""
    if predicate.connector != Q.OR or predicate.negated:
        yield predicate
        return
    for child in predicate.children:
        yield child if isinstance(child, Q) else Q(child)


def _found_by(people: QuerySet[Profile], predicate: Q, number: int) -> QuerySet[Any]:
    """The number and the id of those whom a predicate finds."""
    match predicate.children if not predicate.negated else ():
        # Rows about people say whom: nobody need be looked up for that.
        case [("pk__in", QuerySet() as rows)] if _says_whom(rows):
            return rows.order_by().values_list(Value(number), "profile_id")
    return people.filter(predicate).values_list(Value(number), "pk")


def _says_whom(rows: QuerySet[Model, Any]) -> bool:
    return rows.query.values_select == ("profile_id",) and not rows.query.is_sliced


def _is_absent(predicate: Q, name: str) -> bool:
    """Whether a predicate says just that a person has no row of a name."""
    wanted = [(f"{name}__isnull", True)]
    return predicate.children == wanted and not predicate.negated


def _of_row(predicate: Q, prefix: str) -> Q | None:
    """A predicate as one about the row itself; None when it looks at more than it."""
    if predicate.negated:
        return None
    asked: list[Any] = []
    for child in predicate.children:
        if isinstance(child, Q):
            asked.append(_of_row(child, prefix))
        elif isinstance(child, tuple) and child[0].startswith(prefix):
            name = child[0].removeprefix(prefix)
            # What a missing row meets as well, rows cannot tell.
            asked.append(None if "isnull" in name else (name, child[1]))
        else:
            return None
    return None if None in asked else Q(*asked, _connector=predicate.connector)


def _is_met(predicate: Q) -> Case:
    return Case(
        When(predicate, then=Value(True)),
        default=Value(False),
        output_field=BooleanField(),
    )
