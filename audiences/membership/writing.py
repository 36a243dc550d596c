"""Audiences by name: found, made and changed; their only writer."""

from typing import Any

from audiences.membership.members import EVERYONE, Kind, check_condition
from audiences.models import Audience, AudienceMember, Service
from audiences.refusals import Refused

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
