"""Who is in an audience: querysets of profiles, never a list in memory."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext, gettext_lazy as _

from audiences import conditions, subscriptions
from audiences.conditions import BadCondition, Moment, Node, Span
from audiences.models import Audience, AudienceMember, Profile, Service, Subscription
from audiences.refusals import Refused

Kind = Audience.Kind
EVERYONE = "everyone"
# Commands read such names in a way of their own.
PREFIXES = ("service:", "list:")


class NoSuchAudience(Refused):
    """No audience has the name."""


def profiles(
    audience: Audience, at: datetime, span: Span | None = None
) -> QuerySet[Profile]:
    """The profiles in an audience at a moment; with `span`, only these."""
    everybody = Profile.objects.order_by()
    if span:
        everybody = everybody.filter(span.q("pk"))
    if audience.kind == Kind.EVERYONE:
        return everybody
    return everybody.filter(audience_q(audience, Moment(at, span=span)))


def ids(audience: Audience, at: datetime) -> QuerySet[Any, Any]:
    """The ids of the profiles in an audience, as `profile_id`, from its own rows."""
    members = _member_ids(audience, at)
    if members is not None:
        return members
    return profiles(audience, at).values(profile_id=F("pk"))


def _member_ids(audience: Audience, at: datetime) -> QuerySet[Any, Any] | None:
    """For audiences that have rows of their own."""
    if audience.kind in (Kind.LIST, Kind.SUBSCRIBERS):
        return _rows(audience, at)
    return None


def _rows(audience: Audience, at: datetime) -> QuerySet[Any, Any]:
    """The rows that make a list, or a service's subscribers, an audience."""
    rows: QuerySet[Any]
    if audience.kind == Kind.SUBSCRIBERS:
        rows = Subscription.objects.filter(
            subscriptions.active(at), service=audience.service
        )
    else:
        rows = AudienceMember.objects.filter(audience=audience)
    return rows.order_by().values("profile_id")


def audience_q(audience: Audience, moment: Moment) -> Q:
    """Membership as a condition on profiles, so that trees can speak of audiences."""
    if audience.name in moment.inside:
        raise BadCondition(_loop([*moment.inside, audience.name]))
    if audience.kind == Kind.EVERYONE:
        return Q(pk__isnull=False)
    if audience.kind == Kind.CONDITION:
        inside = replace(moment, inside=(*moment.inside, audience.name))
        tree: Any = audience.condition
        return conditions.to_q(tree, inside)
    return Q(pk__in=moment.within(_rows(audience, moment.at)))


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


def create_with_condition(name: str, tree: Any) -> Audience:
    """A new audience of the profiles that meet a condition.

    Raises BadCondition, Refused when the name is taken, or ValidationError.
    """
    if name == EVERYONE or name.startswith(PREFIXES):
        raise Refused(f"The name {name!r} has a meaning already; choose another name.")
    if Audience.objects.filter(name=name).exists():
        raise Refused(f"There is already an audience {name!r}; choose another name.")
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


def _inlined(data: conditions.Data, path: tuple[str, ...]) -> conditions.Data:
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


def _loop(path: list[str]) -> str:
    return f"The audiences contain each other: {' → '.join(path)}."


def _check_audience(data: conditions.Data, path: str) -> None:
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
        lambda data, moment: audience_q(find_audience(data["name"]), moment),
        lambda data: gettext("in the audience {name}").format(name=data["name"]),
        _check_audience,
        label=_("In another audience"),
        options={"name": _names},
    )
)
