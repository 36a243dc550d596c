"""Own fields and tags in a file of people: read, compared, and written by chunk."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext_noop as _

from audiences import fields, tags
from audiences.files import Problem
from audiences.models import OwnField
from audiences.refusals import Sentence

from .columns.meanings import Column

LEFT_OUT = _("left out: {reason}")


@dataclass(slots=True)
class OwnFacts:
    """What somebody has, or what a row says: values by the id of a field, and tags."""

    values: dict[int, fields.Value] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values or self.tags)

    def read(self, column: Column, text: str) -> Problem | None:
        """Take in a cell; returns what is wrong with it, and the rest stands."""
        if column.kind == "tags":
            try:
                self.tags |= {name.lower(): name for name in tags.read_names(text)}
            except tags.BadTag as error:
                return Problem("tags", Sentence(LEFT_OUT, {"reason": str(error)}))
            return None
        assert column.own_field is not None  # noqa: S101
        try:
            value = fields.read_value(column.own_field, text)
        except ValueError as error:
            reason = Sentence(LEFT_OUT, {"reason": error.args[0]})
            return Problem(column.name, reason)
        self.values[column.own_field.pk] = value
        return None

    def take(self, said: "OwnFacts") -> "OwnFacts":
        """Take over what a row says; returns what is new of it."""
        new = OwnFacts(
            {k: v for k, v in said.values.items() if self.values.get(k) != v},
            {k: v for k, v in said.tags.items() if k not in self.tags},
        )
        self.values |= new.values
        self.tags |= new.tags
        return new


def facts_of(profile_ids: Iterable[int]) -> dict[int, OwnFacts]:
    """What these people have now, in two statements."""
    ids = list(profile_ids)
    by_slug = {own.slug: own.pk for own in OwnField.objects.all()}
    found: dict[int, OwnFacts] = {pk: OwnFacts() for pk in ids}
    for pk, values in fields.values_of(ids).items():
        found[pk].values = {by_slug[slug]: value for slug, value in values.items()}
    for pk, held in tags.tags_of(ids).items():
        found[pk].tags = {tag.name.lower(): tag.name for tag in held}
    return found


def write(changes: Mapping[int, OwnFacts]) -> None:
    """Write what is new, by profile; all are locked and have none of these tags."""
    values = {
        (field_id, pk): value
        for pk, facts in changes.items()
        for field_id, value in facts.values.items()
    }
    if values:
        fields.write_values(values, OwnField.objects.in_bulk())
    names = {said for facts in changes.values() for said in facts.tags.values()}
    if names:
        made = tags.ensure(sorted(names))
        by_lower = {name.lower(): tag.pk for name, tag in made.items()}
        tags.write_tags(
            {pk: [by_lower[n] for n in facts.tags] for pk, facts in changes.items()}
        )
