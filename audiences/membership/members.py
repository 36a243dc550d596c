"""Who is in an audience: querysets of profiles, never a list in memory.

An audience can name others in its condition: the node for that, and no circles. The
only writer of audiences is here too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext, gettext_lazy as _

from audiences import conditions, subscriptions
from audiences.conditions import BadCondition, Data, Moment, Node, Span, Tree
from audiences.conditions.keepers import keepers
from audiences.models import Audience, AudienceMember, Profile, Service, Subscription
from audiences.refusals import Refused

Kind = Audience.Kind
EVERYONE = "everyone"


@dataclass(frozen=True)
class Members:
    """The people of an audience, as it is described: stored or not, now or then."""

    name: str
    kind: str
    # 0: it is not stored; it is of no service.
    audience_id: int = 0
    service_id: int = 0
    condition: Tree | None = None

    @classmethod
    def of(cls, audience: Audience) -> Self:
        tree: Any = audience.condition
        service_id = audience.service_id or 0
        return cls(audience.name, audience.kind, audience.pk or 0, service_id, tree)

    @classmethod
    def everyone(cls) -> Self:
        return cls(EVERYONE, Kind.EVERYONE)

    @classmethod
    def subscribers(cls, service: Service) -> Self:
        name = f"service:{service.slug}"
        return cls(name, Kind.SUBSCRIBERS, service_id=service.pk)

    def profiles(self, at: datetime, span: Span | None = None) -> QuerySet[Profile]:
        """Their profiles at a moment; with `span`, only those within it."""
        everybody = Profile.objects.order_by()
        if span:
            everybody = everybody.filter(span.q("pk"))
        if self.kind == Kind.EVERYONE:
            return everybody
        return everybody.filter(self.q(Moment(at, span=span)))

    def ids(self, at: datetime) -> QuerySet[Any, Any]:
        """The ids of their profiles, as `profile_id`, from rows of its own if any."""
        if self.kind in (Kind.LIST, Kind.SUBSCRIBERS):
            return self._rows(at)
        return self.profiles(at).values(profile_id=F("pk"))

    def q(self, moment: Moment) -> Q:
        """Membership as a condition on profiles, so that trees can name audiences."""
        if self.name in moment.inside:
            raise BadCondition(_loop([*moment.inside, self.name]))
        if self.kind == Kind.EVERYONE:
            return Q(pk__isnull=False)
        if self.kind == Kind.CONDITION:
            tree: Any = self.condition
            inside = replace(moment, inside=(*moment.inside, self.name))
            return conditions.to_q(tree, inside)
        return Q(pk__in=moment.within(self._rows(moment.at)))

    def _rows(self, at: datetime) -> QuerySet[Any, Any]:
        """The rows that make a list, or a service's subscribers, an audience."""
        rows: QuerySet[Any]
        if self.kind == Kind.SUBSCRIBERS:
            rows = Subscription.objects.filter(
                subscriptions.active(at), service_id=self.service_id
            )
        else:
            rows = AudienceMember.objects.filter(audience_id=self.audience_id)
        return rows.order_by().values("profile_id")


def _loop(path: list[str]) -> str:
    """The refusal of audiences that contain each other."""
    return f"The audiences contain each other: {' → '.join(path)}."


class BadName(Refused):
    """No new audience can have the name."""


class NoSuchAudience(Refused):
    """No audience has the name."""


def find_audience(name: str) -> Audience:
    """The audience with a name; raises NoSuchAudience that says what there is."""
    audience = Audience.objects.select_related("service").filter(name=name).first()
    if audience is None:
        known = Audience.objects.order_by("name").values_list("name", flat=True)[:20]
        raise NoSuchAudience(
            f"There is no audience {name!r}.",
            hint="Use everyone, service:SLUG or list:FILE, or one of: "
            f"{', '.join(known) or '(there are none yet)'}.",
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
            raise BadCondition(_loop([*path, data["name"]]))
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
            raise BadCondition(_loop([*path, inner.name]))
        below: Any = inner.condition
        return _inlined(below["condition"], (*path, inner.name))
    if "of" not in data:
        return data
    of = data["of"]
    if isinstance(of, list):
        return {**data, "of": [_inlined(child, path) for child in of]}
    return {**data, "of": _inlined(of, path)}


def named_by(trees: Iterable[Any]) -> set[str]:
    """The names of the audiences that these conditions name, at any depth."""
    inner = dict(Audience.objects.values_list("name", "condition"))
    named: set[str] = set()
    waiting = [tree for tree in trees if tree]
    while waiting:
        for data in conditions.walk(waiting.pop()):
            if data["node"] == AUDIENCE_NODE.name and data["name"] not in named:
                named.add(data["name"])
                if below := inner.get(data["name"]):
                    waiting.append(below)
    return named


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


def _kept() -> Iterator[tuple[str, Tree]]:
    """The audiences that have a condition, for those who ask what one speaks of."""
    for audience in Audience.objects.filter(kind=Kind.CONDITION).order_by("name"):
        tree: Any = audience.condition
        yield gettext("the audience “{name}”").format(name=audience.name), tree


keepers.add("audiences", _kept)


# Commands read such names in a way of their own.
PREFIXES = ("service:", "list:")


def everyone() -> Audience:
    """The audience of all profiles."""
    audience, _is_new = Audience.objects.get_or_create(
        kind=Kind.EVERYONE, defaults={"name": EVERYONE}
    )
    return audience


def subscribers(service: Service) -> Audience:
    """The audience of the active subscribers of a service."""
    audience, _is_new = Audience.objects.get_or_create(
        kind=Kind.SUBSCRIBERS,
        service=service,
        defaults={"name": f"service:{service.slug}"},
    )
    return audience


def list_of(name: str, profile_ids: list[int]) -> Audience:
    """A new audience with exactly these profiles."""
    audience = Audience.objects.create(name=name, kind=Kind.LIST)
    AudienceMember.objects.bulk_create(
        (
            AudienceMember(audience=audience, profile_id=pk)
            for pk in sorted({*profile_ids})
        ),
        batch_size=5000,
    )
    return audience


def check_new_name(name: str) -> None:
    """Raise Refused unless a new audience can have this name."""
    if not name.strip():
        raise BadName(gettext("Give the audience a name."))
    if name == EVERYONE or name.startswith(PREFIXES):
        text = gettext("The name “{name}” has a meaning already: choose another one.")
        raise BadName(text.format(name=name))
    if taken := Audience.objects.filter(name=name).first():
        text = gettext("There is an audience “{name}” already: choose another name.")
        raise BadName(text.format(name=name)).mended_by("audience", taken.pk)


def create_with_condition(name: str, tree: Any) -> Audience:
    """A new audience of the profiles that meet a condition.

    Raises BadCondition, Refused when the name is taken, or ValidationError.
    """
    check_new_name(name)
    check_condition(name, tree)
    audience = Audience(name=name, kind=Kind.CONDITION, condition=tree)
    audience.full_clean()
    audience.save()
    return audience


def change_condition(audience: Audience, tree: Any) -> None:
    """Give an audience another condition; raises BadCondition, Refused for a loop.

    What was prepared for it says from then on that it is out of date.
    """
    if audience.kind != Kind.CONDITION:
        raise Refused(f"{audience.name!r} has no condition: it is {audience.kind}.")
    check_condition(audience.name, tree)
    audience.condition = tree
    audience.save(update_fields=["condition"])
