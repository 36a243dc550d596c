"""Where personal data is: every place says how to find it, show it, and erase it.

One line for each model: `register` a place, or say with `impersonal` why a model has
nothing about people. Access and erasure ask all places; a test fails when a model with
a text, a file or a profile has no line. An app registers its own as it is imported.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from django.db.models import CharField, Model, Q, QuerySet, TextField
from django.db.models.fields import Field
from django.db.models.functions import Cast

from audiences.registry import Registry
from audiences.suppression.traces import Traces

from .people import Person

Facts = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Place:
    """What one model has about people.

    `find` gives the rows about a person; `show` names the fields that an access shows,
    some in other `words` than the database's, or `facts` makes them. `erase` ends what
    the rows say; without it they go with the profile, or name nobody but by its number:
    `stays` says so. In `texts` people write what they like: they are searched for the
    person, and what is found is blacked out, or the whole text is emptied where that is
    all that the database allows. `written` are the rows in which they do: all, unless
    programs write others by the million.
    """

    model: type[Model]
    find: Callable[[Person], QuerySet[Any]] | None = None
    show: Sequence[str] = ()
    words: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)
    facts: Callable[[Person], Iterable[Facts]] | None = None
    erase: Callable[[Person], object] | None = None
    texts: Sequence[str] = ()
    written: Callable[[], Q] = Q
    emptied: bool = False
    stays: Any = ""
    heading: Any = ""

    @property
    def label(self) -> str:
        return self.model._meta.label

    @property
    def title(self) -> str:
        return str(self.heading or self.model._meta.verbose_name_plural)

    def rows(self, person: Person) -> list[Facts]:
        """What the place has about a person, as an access shows it."""
        if self.facts:
            return [*self.facts(person)]
        found = [*self.find(person)] if self.find else []
        known = {row.pk for row in found}
        named = [row for row in self.naming(person.traces) if row.pk not in known]
        exact = [row for row in named if self._names(row, person.traces)]
        return [self._shown(row, self.show) for row in found] + [
            self._shown(row, self.texts) for row in exact
        ]

    def count(self, person: Person) -> int:
        """How many rows an erasure takes away or changes."""
        if self.facts and not self.find:
            return len([*self.facts(person)])
        return self.find(person).count() if self.find else len(self.rows(person))

    def _names(self, row: Model, traces: Traces) -> bool:
        return any(
            traces.without_in(getattr(row, name)) != getattr(row, name)
            for name in self.texts
        )

    def _shown(self, row: Model, names: Sequence[str]) -> Facts:
        return {
            name: self.words[name](row) if name in self.words else getattr(row, name)
            for name in names
        }

    def naming(self, traces: Traces) -> QuerySet[Any]:
        """Rows whose texts may name the people of the traces."""
        rows = self.model._default_manager.all()
        if not traces or not self.texts:
            return rows.none()
        casts = {f"{name}_text": Cast(name, TextField()) for name in self.texts}
        named = Q(pk__in=[])
        for text in casts:
            named |= Q(**{f"{text}__iregex": traces.loose})
        found: QuerySet[Any] = rows.alias(**casts).filter(self.written(), named)
        return found

    def black_out(self, traces: Traces) -> int:
        """Take what names the people out of the texts; returns how many rows changed.

        Only what is changed is written, so that triggers which let a text be emptied
        alone have no objection.
        """
        changed = 0
        for row in self.naming(traces).order_by("pk"):
            cleaned = {
                name: new
                for name in self.texts
                if (new := self._cleaned(row, name, traces)) != getattr(row, name)
            }
            if cleaned:
                self.model._default_manager.filter(pk=row.pk).update(**cleaned)
                changed += 1
        return changed

    def _cleaned(self, row: Model, name: str, traces: Traces) -> object:
        value, field = getattr(row, name), self._field(name)
        new = traces.without_in(value)
        if new == value:
            return new
        if self.emptied:
            return None
        if not isinstance(new, str):
            return new
        if field.unique:
            new = f"{new} #{row.pk}"
        most = field.max_length if isinstance(field, CharField) else None
        return new[:most]

    def _field(self, name: str) -> "Field[Any, Any]":
        return cast("Field[Any, Any]", self.model._meta.get_field(name))


_places: Registry[str, Place] = Registry("place of personal data")
_impersonal: Registry[str, str] = Registry("model without personal data")


def register(*places: Place) -> None:
    """Add what a model has about people."""
    for place in places:
        _places.add(place.label, place)


def impersonal(reasons: Mapping[str, str]) -> None:
    """Say why models have nothing about a person, by their labels."""
    for label, reason in reasons.items():
        _impersonal.add(label, reason)


def all_places() -> list[Place]:
    return list(_places.values())


def missing(models: Iterable[type[Model]]) -> list[str]:
    """Those of the models that may hold personal data and have no line here."""
    known = {*_places, *_impersonal}
    return sorted(
        model._meta.label
        for model in models
        if model._meta.managed and model._meta.label not in known and _may_hold(model)
    )


_HARMLESS = ("AutoField", "BigAutoField", "BooleanField", "DateField", "DateTimeField")


def _may_hold(model: type[Model]) -> bool:
    """Whether a model has a text, a file, or the number of a profile."""
    return any(
        "profile" in field.name
        or (
            field.get_internal_type() not in _HARMLESS
            and "Integer" not in field.get_internal_type()
            and not field.is_relation
            and not getattr(field, "choices", None)
        )
        for field in model._meta.get_fields()
        if getattr(field, "column", None)
    )
