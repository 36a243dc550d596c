"""Whom an access or an erasure is about: the person, and all that names them.

Addresses that the person had before count too, as far as anything still has them. What
another profile has as well is not this person's alone: it stays with the other.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import Q

from audiences import addresses
from audiences.models import Address, Profile
from audiences.profiles import name_search
from audiences.registry import Registry
from audiences.suppression.traces import (
    NOTHING,
    SHORTEST_NUMBER,
    Traces,
    of_address,
    of_words,
)


@dataclass(frozen=True)
class Known:
    """An address of a person, present or former."""

    channel: str
    value: str
    key: str


# Channel and text of addresses that rows of the person still have.
Former = Callable[[Profile], Iterable[tuple[str, str]]]
_former: Registry[str, Former] = Registry("source of former addresses")


def former_addresses(name: str, source: Former) -> None:
    """Let an app tell which addresses its rows have of a person."""
    _former.add(name, source)


@dataclass(frozen=True)
class Person:
    """A profile, with its present and former addresses."""

    profile: Profile
    present: list[Known] = field(default_factory=list)
    former: list[Known] = field(default_factory=list)
    # Those of either that no other profile has.
    own: list[Known] = field(default_factory=list)

    @classmethod
    def of(cls, profile: Profile) -> "Person":
        present = [
            Known(*row)
            for row in profile.addresses.order_by(
                "channel", "-is_primary", "id"
            ).values_list("channel", "value", "key")
        ]
        known = {(each.channel, each.key) for each in present}
        former = []
        for source in _former.values():
            for channel, text in source(profile):
                given = addresses.accept(channel, text)
                if text and (channel, given.key) not in known:
                    known.add((channel, given.key))
                    former.append(Known(channel, given.value, given.key))
        shared = _of_others(profile, known)
        own = [
            each
            for each in (*present, *former)
            if (each.channel, each.key) not in shared
        ]
        return cls(profile, present, former, own)

    @property
    def pk(self) -> int:
        return self.profile.pk

    @cached_property
    def about(self) -> list[tuple[str, str]]:
        """Channel and key of present addresses, and of former ones that are free."""
        mine = [(each.channel, each.key) for each in (*self.present, *self.own)]
        return [*dict.fromkeys(mine)]

    @property
    def free(self) -> list[tuple[str, str]]:
        """Channel and key of former addresses that no other profile has."""
        return [(each.channel, each.key) for each in self.former if each in self.own]

    def has_key(self, *, only_own: bool = False) -> Q:
        """Rows by channel and key; `only_own`: of addresses that nobody else has."""
        pairs = self.about
        if only_own:
            pairs = [(each.channel, each.key) for each in self.own]
        return _named(pairs)

    @cached_property
    def traces(self) -> Traces:
        """What names the person, and nobody else, in any text.

        A first or a last name alone is left where another profile has it too: it then
        names nobody.
        """
        found = NOTHING
        for each in self.own:
            found += of_address(each.channel, each.value, each.key)
        person = self.profile
        first, last = person.first_name.strip(), person.last_name.strip()
        if first and last:
            found += of_words(f"{first} {last}") + of_words(f"{last}, {first}")
            found += of_words(f"{last} {first}")
        for name, text in (("first_name", first), ("last_name", last)):
            named = Profile.objects.filter(name_search.named(text))
            others = named.filter(**{f"{name}__iexact": text}).exclude(pk=person.pk)
            if text and not others.exists():
                found += of_words(text)
        number = person.external_id or ""
        if len(number) >= SHORTEST_NUMBER:
            found += of_words(number)
        return found


def _named(pairs: Iterable[tuple[str, str]]) -> Q:
    by_channel: dict[str, list[str]] = {}
    for channel, key in pairs:
        by_channel.setdefault(channel, []).append(key)
    found = Q(pk__in=[])
    for channel, keys in by_channel.items():
        found |= Q(channel=channel, key__in=keys)
    return found


def _of_others(profile: Profile, known: set[tuple[str, str]]) -> set[tuple[str, str]]:
    others = Address.objects.filter(_named(known)).exclude(profile=profile)
    return set(others.values_list("channel", "key"))
