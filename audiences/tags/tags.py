"""Tags, and who has them: the only writer of both."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils.text import slugify
from django.utils.translation import gettext as _

from audiences import consent, sql
from audiences.conditions.keepers import speaking_of
from audiences.consent import locks
from audiences.files import cleaning
from audiences.models import Audience, Profile, ProfileTag, StagedProfile, Tag
from audiences.models.tags import LONGEST_TAG
from audiences.refusals import Refused
from audiences.sql.many import among
from audiences.suppression.restriction import in_force, require_free

NODE = "tag"
# Separates tags in a cell; no name has one.
BETWEEN = ";"


class BadTag(Refused):
    """The name cannot be that of a tag; the message says why."""


class TagInUse(Refused):
    """Audiences or rules speak of the tag: it is not deleted."""


def read_name(text: str) -> str:
    """The name of a tag as it is kept; raises BadTag."""
    name = " ".join(cleaning.words(text).split())
    if not name:
        raise BadTag(_("A tag needs a name."))
    if BETWEEN in name or "\0" in name:
        raise BadTag(_("A tag has no “;” in its name: that stands between tags."))
    if len(name) > LONGEST_TAG:
        raise BadTag(_("A tag has at most {most} letters.").format(most=LONGEST_TAG))
    return name


def read_names(text: str) -> list[str]:
    """The tags of a cell, with `;` between them; raises BadTag."""
    return [read_name(part) for part in text.split(BETWEEN) if part.strip()]


def find_tag(name: str) -> Tag | None:
    """The tag with a name, whatever its letter case, or with a slug."""
    found = Tag.objects.annotate(lower=Lower("name"))
    return (
        found.filter(lower=name.strip().lower()).first()
        or Tag.objects.filter(slug=name).first()
    )


def ensure(names: Iterable[str]) -> dict[str, Tag]:
    """The tags with these names, made where they are not there; by the name given.

    Raises BadTag. Two that make one tag at the same moment get the same one.
    """
    wanted = {name: read_name(name) for name in names}
    by_lower = {tag.name.lower(): tag for tag in Tag.objects.all()} if wanted else {}
    for name in wanted.values():
        if name.lower() not in by_lower:
            by_lower[name.lower()] = _made(name)
    return {given: by_lower[name.lower()] for given, name in wanted.items()}


def _made(name: str) -> Tag:
    plain = slugify(name).replace("-", "_")[:LONGEST_TAG] or "tag"
    for number in range(1, 1000):
        slug = plain if number == 1 else f"{plain[: LONGEST_TAG - 5]}_{number}"
        if Tag.objects.filter(slug=slug).exists():
            continue
        try:
            with transaction.atomic():
                return Tag.objects.create(name=name, slug=slug)
        except IntegrityError:
            if found := find_tag(name):
                return found
    raise BadTag(_("There are too many tags like “{name}”.").format(name=name))


def rename_tag(tag: Tag, name: str) -> None:
    """Give a tag another name; conditions go on to mean it. Raises BadTag."""
    name = read_name(name)
    other = find_tag(name)
    if other and other.pk != tag.pk and other.name.lower() == name.lower():
        raise BadTag(_("There is a tag of this name already."))
    tag.name = name
    tag.save(update_fields=["name"])


def used_by(tag: Tag) -> list[str]:
    """The audiences and rules whose conditions speak of the tag, in words."""
    return speaking_of(lambda node: node["node"] == NODE and node["tag"] == tag.slug)


def delete_tag(tag: Tag) -> int:
    """Delete a tag; returns how many people had it. Raises TagInUse."""
    with transaction.atomic():
        Tag.objects.select_for_update().get(pk=tag.pk)
        if used := used_by(tag):
            text = _("“{tag}” is used by {what}: change that first.")
            raise TagInUse(text.format(tag=tag.name, what=", ".join(used)))
        number, _models = ProfileTag.objects.filter(tag=tag).delete()
        tag.delete()
    return number


# ------------------------------------------------------------------ on people
def tags_of(profile_ids: Iterable[int]) -> dict[int, list[Tag]]:
    """The tags of these people, by profile and in order; one statement."""
    rows = ProfileTag.objects.filter(among("profile_id", profile_ids))
    found: dict[int, list[Tag]] = defaultdict(list)
    listed = rows.select_related("tag").annotate(lower=Lower("tag__name"))
    for row in listed.order_by("profile_id", "lower"):
        found[row.profile_id].append(row.tag)
    return found


def set_tags(profile: Profile, names: Iterable[str]) -> bool:
    """Give a person exactly these tags; tells whether any changed. Raises BadTag, and
    Restricted where nothing of the person may be changed."""
    with transaction.atomic():
        wanted = {tag.pk for tag in ensure(names).values()}
        consent.lock(profile, "pk")
        held = ProfileTag.objects.filter(profile=profile)
        have = set(held.values_list("tag_id", flat=True))
        if wanted == have:
            return False
        require_free(profile.pk)
        held.filter(tag_id__in=have - wanted).delete()
        write_tags({profile.pk: wanted - have})
    return True


def set_on(tagged: Audience, names: Iterable[str]) -> None:
    """Give an audience exactly these tags. Raises BadTag."""
    with transaction.atomic():
        tagged.tags.set(ensure(names).values())


def put_on(people: QuerySet[Profile], tag: Tag) -> int:
    """Put a tag on many people, set-based; returns how many did not have it.

    Those whose data is restricted are left out.
    """
    with transaction.atomic():
        locks.stage(people)
        locks.unstage(in_force().values("profile_id"))
        held = ProfileTag.objects.filter(tag=tag)
        count = locks.unstage(held.values("profile_id"))
        if count:
            rows = StagedProfile.objects.order_by("id").values_list("id")
            sql.bulk_insert(
                ProfileTag,
                ["tag_id", "profile_id"],
                [(tag.pk, pk) for (pk,) in rows],
            )
    return count


def take_off(people: QuerySet[Profile], tag: Tag) -> int:
    """Take a tag off many people, set-based; returns how many had it."""
    with transaction.atomic():
        locks.stage(people)
        locks.unstage(in_force().values("profile_id"))
        held = ProfileTag.objects.filter(
            tag=tag, profile_id__in=StagedProfile.objects.values("id")
        )
        number, _models = held.delete()
    return number


def write_tags(more: Mapping[int, Iterable[int]]) -> None:
    """Put tags on people who are locked and have none of these; one statement."""
    rows = [(tag, pk) for pk, tags in sorted(more.items()) for tag in sorted(tags)]
    if rows:
        sql.bulk_insert(ProfileTag, ["tag_id", "profile_id"], rows)
