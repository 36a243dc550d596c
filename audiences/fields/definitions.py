"""Own fields themselves: making, changing and deleting them, and who uses them."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _, ngettext

from audiences.conditions.keepers import speaking_of
from audiences.files import folded
from audiences.models import FieldValue, OwnField
from audiences.models.fields import LONGEST_LABEL, LONGEST_VALUE
from audiences.refusals import Refused
from audiences.registry import Registry

MOST_CHOICES = 200
NODE = "own_field"
Type = OwnField.Type
FACTS = ("label", "choices", "is_personal", "is_editable", "texts")
# By language: the label, and what each choice is called there.
Texts = Mapping[str, Mapping[str, Any]]

# Who else gives a name a meaning: columns of files, places of messages. A function says
# whether a name is taken there.
reserved: Registry[str, Callable[[str], bool]] = Registry("reserver of names")


class BadField(Refused):
    """The field cannot be so; the message names what is wrong and the remedy.

    `name` is the part of the definition that is wrong.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class ChangedMeanwhile(BadField):
    """Somebody saved another definition since this one was shown."""

    def __init__(self, saved: OwnField) -> None:
        text = _(
            "Somebody else saved this field meanwhile: “{label}”{choices}. Save again "
            "to put yours in its place."
        )
        choices = f" ({', '.join(saved.choices)})" if saved.choices else ""
        super().__init__("", text.format(label=saved.label, choices=choices))
        self.saved = saved


class FieldInUse(Refused):
    """Audiences or rules speak of the field: it is not deleted."""


class NoSuchField(Refused):
    """No own field has the name."""


def all_fields() -> list[OwnField]:
    """Every own field, in the order of their labels."""
    return list(OwnField.objects.all())


def find_field(name: str) -> OwnField:
    """The field with a slug or a label; raises NoSuchField, which lists them."""
    wanted = folded(name)
    known = all_fields()
    for field in known:
        if wanted in (folded(field.slug), folded(field.label)):
            return field
    listed = ", ".join(field.slug for field in known)
    raise NoSuchField(
        f"There is no own field {name!r}.",
        hint=f"There are: {listed}." if listed else "Make one with create_field.",
    )


def slug_of(label: str) -> str:
    """The name that is made from a label: `Shoe size` is `shoe_size`."""
    plain = slugify(label).replace("-", "_").strip("_")[:LONGEST_LABEL]
    return f"field_{plain}".rstrip("_") if not plain[:1].isalpha() else plain


def create_field(
    label: str,
    kind: str,
    *,
    choices: Iterable[str] = (),
    is_personal: bool = True,
    is_editable: bool = False,
    texts: Texts | None = None,
) -> OwnField:
    """Define a field; raises BadField."""
    if kind not in Type.values:
        raise BadField("type", f"{kind!r} is no type: {', '.join(Type.values)}.")
    label = _checked_label(label)
    field = OwnField(
        label=label,
        slug=slug_of(label),
        type=kind,
        choices=_checked_choices(kind, choices),
        is_personal=is_personal,
        is_editable=is_editable,
    )
    field.texts = checked_texts(texts or {}, field.choices)
    _refuse_taken(field)
    field.save()
    return field


def mark_of(field: OwnField) -> str:
    """A mark of what the field is now: who edits it says which one they saw."""
    facts = [getattr(field, name) for name in FACTS]
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def change_field(
    field: OwnField,
    *,
    label: str,
    choices: Iterable[str],
    is_personal: bool,
    is_editable: bool,
    texts: Texts | None = None,
    seen: str = "",
) -> None:
    """Change a field; its type and its slug stay. Raises BadField.

    A choice that somebody has stays. `texts` stay as they are unless given. `seen` is
    the mark of the field as the operator saw it: another one raises ChangedMeanwhile.
    """
    field.label = _checked_label(label)
    wanted = _checked_choices(field.type, choices)
    with transaction.atomic():
        # Nobody writes a value of a choice that is taken away meanwhile.
        saved = OwnField.objects.select_for_update().get(pk=field.pk)
        if seen and seen != mark_of(saved):
            raise ChangedMeanwhile(saved)
        for gone in sorted({*field.choices} - {*wanted}):
            number = FieldValue.objects.filter(field=field, text=gone).count()
            if number:
                text = ngettext(
                    "{number} person has “{choice}”: change that first.",
                    "{number} people have “{choice}”: change that first.",
                    number,
                )
                raise BadField("choices", text.format(number=number, choice=gone))
        field.choices = wanted
        field.texts = checked_texts(field.texts if texts is None else texts, wanted)
        field.is_personal, field.is_editable = is_personal, is_editable
        _refuse_taken(field)
        field.save()


def used_by(field: OwnField) -> list[str]:
    """The audiences and rules whose conditions speak of the field, in words."""
    return speaking_of(
        lambda node: node["node"] == NODE and node["field"] == field.slug
    )


def delete_field(field: OwnField) -> int:
    """Delete a field with its values; returns how many those were.

    Raises FieldInUse, which names the audiences and rules that speak of it.
    """
    with transaction.atomic():
        OwnField.objects.select_for_update().get(pk=field.pk)
        if used := used_by(field):
            text = _("“{field}” is used by {what}: change that first.")
            raise FieldInUse(text.format(field=field.label, what=", ".join(used)))
        number, _models = FieldValue.objects.filter(field=field).delete()
        field.delete()
    return number


def _checked_label(label: str) -> str:
    label = " ".join(label.split())
    if not label:
        raise BadField("label", _("Give the field a label."))
    if len(label) > LONGEST_LABEL:
        text = _("A label has at most {most} characters.")
        raise BadField("label", text.format(most=LONGEST_LABEL))
    if "\0" in label:
        raise BadField("label", "It contains a NUL character.")
    return label


def _checked_choices(kind: str, choices: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(" ".join(c.split()) for c in choices if c.split()))
    if kind != Type.CHOICE:
        if wanted:
            raise BadField("choices", _("Only a field of choices has choices."))
        return []
    if not wanted:
        raise BadField("choices", _("Give the choices, one on each line."))
    if len(wanted) > MOST_CHOICES or any(len(c) > LONGEST_VALUE for c in wanted):
        text = _("At most {most} choices of {longest} characters.")
        raise BadField("choices", text.format(most=MOST_CHOICES, longest=LONGEST_VALUE))
    if len({c.casefold() for c in wanted}) < len(wanted):
        raise BadField("choices", _("Two choices differ by letter case alone."))
    return wanted


def checked_texts(texts: Texts, choices: Iterable[str]) -> dict[str, Any]:
    """Labels by language, without what is empty or is about a choice that is gone."""
    known, found = set(choices), {}
    for code, said in texts.items():
        label = " ".join(str(said.get("label", "")).split())
        if len(label) > LONGEST_LABEL:
            text = _("A label has at most {most} characters.")
            raise BadField(f"label_{code}", text.format(most=LONGEST_LABEL))
        named = {c: t for c, t in said.get("choices", {}).items() if t and c in known}
        parts = {"label": label, "choices": named}
        if kept := {name: part for name, part in parts.items() if part}:
            found[code] = kept
    return found


def _refuse_taken(field: OwnField) -> None:
    """No name that means something already, in files and messages too."""
    for other in OwnField.objects.exclude(pk=field.pk):
        taken = {folded(other.slug), folded(other.label)}
        if {folded(field.slug), folded(field.label)} & taken:
            text = _("There is a field “{label}” already: choose another label.")
            refused = BadField("label", text.format(label=other.label))
            raise refused.mended_by("own_field", other.pk)
    names: list[Any] = [field.slug, field.label]
    if any(is_taken(name) for is_taken in reserved.values() for name in names):
        text = _("“{label}” means something in files or messages already.")
        raise BadField("label", text.format(label=field.label))
