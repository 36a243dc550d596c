"""Export of people with the columns of an import: what goes out comes in again.

Rows come in chunks of ids: however many there are, no query is long and memory stays
flat. What a spreadsheet would compute is escaped when the file is written; the import
takes the apostrophe away again.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Max, QuerySet

from audiences import fields, tags
from audiences.addresses.outgoing import as_sent
from audiences.channels import FLAGS, Channel
from audiences.models import Address, FieldValue, Profile, ProfileTag
from audiences.profiles import PROFILE_FIELDS
from audiences.tags.tags import BETWEEN

from .columns.people import TAGS

CHUNK_SIZE = 2000


def columns(people: QuerySet[Profile]) -> list[str]:
    """The columns that these people need: each channel that any of them has."""
    held = Address.objects.all()
    if people.query.where:
        held = held.filter(profile_id__in=people.order_by().values("pk"))
    each = held.order_by().values("profile_id", "channel").annotate(n=Count("pk"))
    most: dict[str, int] = {}
    for channel in Channel.values:
        of_channel = each.filter(channel=channel).aggregate(most=Max("n"))["most"]
        # Somebody without a primary address leaves the first column empty.
        most[channel] = int(of_channel or 0)
    named = [
        channel if number == 1 else f"{channel}_{number}"
        for channel in Channel.values
        for number in range(1, most[channel] + 1)
    ]
    return [*PROFILE_FIELDS, *named, *FLAGS.values(), *_own_columns(people)]


def _own_columns(people: QuerySet[Profile]) -> list[str]:
    """The own fields in which any of them has a value, and tags if any has one."""
    values, tagged = FieldValue.objects.all(), ProfileTag.objects.all()
    if people.query.where:
        ids = people.order_by().values("pk")
        values = values.filter(profile_id__in=ids)
        tagged = tagged.filter(profile_id__in=ids)
    named = [f.slug for f in fields.all_fields() if values.filter(field=f).exists()]
    return [*named, *([TAGS] if tagged.exists() else [])]


def rows(people: QuerySet[Profile], header: list[str]) -> Iterator[list[Any]]:
    """One row for each person, in the order of their ids."""
    position = 0
    has_own = header[-1:] != [[*FLAGS.values()][-1]]
    while chunk := list(people.filter(pk__gt=position).order_by("pk")[:CHUNK_SIZE]):
        position = chunk[-1].pk
        ids = [profile.pk for profile in chunk]
        cells = _addresses(ids)
        own = _own_cells(ids) if has_own else {}
        for profile in chunk:
            facts = {name: getattr(profile, name) or "" for name in PROFILE_FIELDS}
            facts |= {flag: int(getattr(profile, flag)) for flag in FLAGS.values()}
            facts |= cells[profile.pk] | own.get(profile.pk, {})
            yield [facts.get(name, "") for name in header]


def _own_cells(ids: list[int]) -> dict[int, dict[str, str]]:
    """What people have in own fields, and their tags, as an import reads them."""
    cells: dict[int, dict[str, str]] = defaultdict(dict)
    for pk, values in fields.values_of(ids).items():
        cells[pk] |= {slug: fields.as_text(value) for slug, value in values.items()}
    for pk, held in tags.tags_of(ids).items():
        cells[pk][TAGS] = BETWEEN.join(tag.name for tag in held)
    return cells


def _addresses(ids: list[int]) -> dict[int, dict[str, str]]:
    """The addresses of each profile by the name of their column, primary first."""
    held = Address.objects.filter(profile_id__in=ids)
    cells: dict[int, dict[str, str]] = defaultdict(dict)
    counts: dict[tuple[int, str], int] = defaultdict(int)
    for address in held.order_by("profile_id", "channel", "-is_primary", "pk"):
        person = address.profile_id, address.channel
        counts[person] += 1
        number = counts[person]
        name = address.channel if number == 1 else f"{address.channel}_{number}"
        value = address.value
        if address.is_valid:
            value = as_sent(address.channel, value, address.key)
        cells[address.profile_id][name] = value
    return cells
