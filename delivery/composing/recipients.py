"""Who gets a message: the address that is used, and what a message may say of them."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from audiences import fields as own_facts
from audiences.fields import Value
from audiences.models import Address, OwnField, Profile
from audiences.wording import page_texts
from audiences.wording.placeholders import places
from delivery.content import LINKS, field_of
from delivery.models import Delivery

# The facts of a profile that a message may say.
FACTS = ("first_name", "last_name", "language", "country", "external_id")
_COLUMNS = ("profile_id", "value", "key", *(f"profile__{name}" for name in FACTS))


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person with one address, as stored (`value`), and what is compared (`key`).

    `fields` are the facts that a message may say, by name. Those in own fields are
    added while it is composed, unless the reader is not to be `named`.
    """

    profile_id: int
    address: str
    key: str
    language: str
    fields: Mapping[str, str]
    named: bool = True


def recipients(delivery: Delivery, profile_ids: Iterable[int]) -> list[Recipient]:
    """These profiles with their primary address on the delivery's channel, in order.

    Whoever has none is left out. One statement.
    """
    wanted = list(profile_ids)
    rows = Address.objects.filter(
        channel=delivery.channel, is_primary=True, profile_id__in=wanted
    ).values_list(*_COLUMNS)
    found = {
        pk: Recipient(
            pk,
            value,
            key,
            facts[FACTS.index("language")],
            dict(zip(FACTS, (fact or "" for fact in facts), strict=True)),
        )
        for pk, value, key, *facts in rows
    }
    return [found[pk] for pk in wanted if pk in found]


def own_fields_in(texts: Iterable[str]) -> list[OwnField]:
    """The own fields that these texts name."""
    names = {field_of(place) for text in texts for place in places(text)}
    names -= {*FACTS, *LINKS}
    return list(OwnField.objects.filter(slug__in=names)) if names else []


def with_own_facts(
    people: Sequence[Recipient], own: Sequence[OwnField]
) -> Sequence[Recipient]:
    """The same people with what they have in these fields; one statement.

    Whoever has nothing there is told the fallback of the place.
    """
    if not own:
        return people
    ids = [person.profile_id for person in people if person.profile_id and person.named]
    have = own_facts.values_of(ids, own)
    return [_with(person, have.get(person.profile_id, {}), own) for person in people]


def _with(
    person: Recipient, values: Mapping[str, Value], own: Sequence[OwnField]
) -> Recipient:
    if not person.named:
        return person
    if not person.profile_id:
        more = {field.slug: _example_of(field, person.language) for field in own}
    else:
        more = {
            field.slug: said_in(field, values[field.slug], person.language)
            for field in own
            if field.slug in values
        }
    return replace(person, fields={**person.fields, **more})


# Typed: True and the number 1 are equal.
@functools.lru_cache(maxsize=5_000, typed=True)
def said(value: Value, language: str) -> str:
    """A value as a message says it in the reader's language."""
    codes = [code for code, _name in settings.LANGUAGES]
    closest = page_texts.closest(language, codes) or settings.LANGUAGE_CODE
    with translation.override(closest):
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(value, date):
            return date_format(value, "DATE_FORMAT")
        if isinstance(value, Decimal):
            return number_format(own_facts.as_text(value), use_l10n=True)
    return value


def said_in(field: OwnField, value: Value, language: str) -> str:
    """The same of a field, whose choices may have names of their own there."""
    if field.type == OwnField.Type.CHOICE and field.texts:
        return field.choice_in(str(value), language)
    return said(value, language)


def _example_of(field: OwnField, language: str) -> str:
    """What stands in the place of a value where there is no person."""
    examples: dict[OwnField.Type, Value] = {
        OwnField.Type.NUMBER: Decimal(42),
        OwnField.Type.DATE: timezone.localdate(),
        OwnField.Type.YES_NO: True,
    }
    value = examples.get(OwnField.Type(field.type), (field.choices or [field.label])[0])
    return said_in(field, value, language)


def example(language: str = "") -> Recipient:
    """Nobody, with an example in the place of each fact."""
    facts = {
        "first_name": _("Anna"),
        "last_name": _("Example"),
        "language": language or "en",
        "country": "NL",
        "external_id": "P00001",
    }
    return Recipient(0, "", "", language, facts)


def as_recipient(profile: Profile, address: str = "", key: str = "") -> Recipient:
    """A profile as the reader of a message, which goes to an address if it is given."""
    facts = {name: getattr(profile, name) or "" for name in FACTS}
    return Recipient(profile.pk, address, key, facts["language"], facts)
