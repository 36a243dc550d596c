"""Audiences within audiences: the node that names one, and no circles."""

from typing import Any

from django.utils.translation import gettext, gettext_lazy as _

from audiences import conditions
from audiences.conditions import BadCondition, Data, Node
from audiences.membership.members import Kind, Members, loop
from audiences.models import Audience
from audiences.refusals import Refused


class NoSuchAudience(Refused):
    """No audience has the name."""


def find_audience(name: str) -> Audience:
    """The audience with a name; raises NoSuchAudience that says what there is."""
    audience = Audience.objects.select_related("service").filter(name=name).first()
    if audience is None:
        known = Audience.objects.order_by("name").values_list("name", flat=True)[:20]
        raise NoSuchAudience(
            f"There is no audience {name!r}. Use everyone, service:SLUG or list:FILE, "
            f"or one of: {', '.join(known) or '(there are none yet)'}."
        )
    return audience


def check_condition(name: str, tree: Any) -> None:
    """Raise BadCondition unless the audience can have the condition without a loop."""
    conditions.validate(tree)
    _refuse_loop([name], tree)


def _refuse_loop(path: list[str], tree: Any) -> None:
    for data in conditions.walk(tree):
        if data["node"] != AUDIENCE_NODE.name:
            continue
        if data["name"] in path:
            raise BadCondition(loop([*path, data["name"]]))
        inner = Audience.objects.filter(name=data["name"]).first()
        if inner and inner.kind == Kind.CONDITION:
            _refuse_loop([*path, inner.name], inner.condition)


def inlined(tree: Any) -> Any:
    """The tree with the conditions of the audiences that it names in their place.

    So it means the same whatever is edited afterwards. Lists and services stay named.
    Raises BadCondition when audiences contain each other, NoSuchAudience.
    """
    if not tree:
        return tree
    return {**tree, "condition": _inlined(tree["condition"], ())}


def _inlined(data: Data, path: tuple[str, ...]) -> Data:
    if data["node"] == AUDIENCE_NODE.name:
        inner = find_audience(data["name"])
        if inner.kind != Kind.CONDITION:
            return data
        if inner.name in path:
            raise BadCondition(loop([*path, inner.name]))
        below: Any = inner.condition
        return _inlined(below["condition"], (*path, inner.name))
    if "of" not in data:
        return data
    of = data["of"]
    if isinstance(of, list):
        return {**data, "of": [_inlined(child, path) for child in of]}
    return {**data, "of": _inlined(of, path)}


def _check_audience(data: Data, path: str) -> None:
    if not Audience.objects.filter(name=data["name"]).exists():
        raise BadCondition(f"{path}.name: there is no audience {data['name']!r}.")


def _names() -> list[tuple[str, str]]:
    names = Audience.objects.order_by("name").values_list("name", flat=True)
    return [(name, name) for name in names[:200]]


AUDIENCE_NODE = conditions.register(
    Node(
        "audience",
        {"name": {"type": "string"}},
        ("name",),
        lambda data, moment: Members.of(find_audience(data["name"])).q(moment),
        lambda data: gettext("in the audience {name}").format(name=data["name"]),
        _check_audience,
        label=_("In another audience"),
        options={"name": _names},
    )
)
