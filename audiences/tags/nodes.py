"""The node of conditions about tags."""

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext, gettext_lazy as _

from audiences.conditions import BadCondition, Data, Moment, Node, register
from audiences.models import ProfileTag, Tag

from .tags import NODE


def _q(data: Data, moment: Moment) -> Q:
    tag = Tag.objects.filter(slug=data["tag"]).values_list("pk", flat=True).first()
    if tag is None:
        raise BadCondition(f"there is no tag {data['tag']!r}.")
    rows = ProfileTag.objects.filter(tag_id=tag, profile_id=OuterRef("pk"))
    return Q(Exists(moment.within(rows)))


def _check(data: Data, path: str) -> None:
    if not Tag.objects.filter(slug=data["tag"]).exists():
        raise BadCondition(f"{path}.tag: there is no tag {data['tag']!r}.")


def _say(data: Data) -> str:
    tag = Tag.objects.filter(slug=data["tag"]).first()
    return gettext("has the tag {tag}").format(tag=tag.name if tag else data["tag"])


def _say_not(data: Data) -> str:
    tag = Tag.objects.filter(slug=data["tag"]).first()
    text = gettext("has not the tag {tag}")
    return text.format(tag=tag.name if tag else data["tag"])


register(
    Node(
        NODE,
        {"tag": {"type": "string"}},
        ("tag",),
        _q,
        _say,
        _check,
        label=_("Has a tag"),
        options={"tag": lambda: list(Tag.objects.values_list("slug", "name"))},
        say_not=_say_not,
    )
)
