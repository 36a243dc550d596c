"""Who is in an audience: a queryset of profile ids, never a list in memory."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from . import subscriptions
from .models import Audience, AudienceMember, Profile, Service, Subscription
from .refusals import Refused


def member_ids(audience: Audience, at: datetime) -> QuerySet[Any, Any] | None:
    """The ids of an audience's profiles at a moment, as `profile_id`; None: all."""
    if audience.kind == Audience.Kind.EVERYONE:
        return None
    if audience.kind == Audience.Kind.LIST:
        rows: QuerySet[Any] = AudienceMember.objects.filter(audience=audience)
    else:
        rows = Subscription.objects.filter(
            subscriptions.active(at), service=audience.service
        )
    return rows.order_by().values("profile_id")


def member_range(
    members: QuerySet[Any, Any] | None, after: int, size: int
) -> int | None:
    """The id up to which the next `size` members reach; None when none are left."""
    name = "pk" if members is None else "profile_id"
    everyone: QuerySet[Any, Any] = Profile.objects.all()
    rest = everyone if members is None else members
    ids = rest.filter(**{f"{name}__gt": after}).values_list(name, flat=True)
    last = ids.order_by(name)[size - 1 : size].first()
    if last is None:
        last = ids.order_by(f"-{name}").first()
    return None if last is None else int(last)


class NoSuchAudience(Refused):
    """No audience has the name."""


def find_audience(name: str) -> Audience:
    """The audience with a name; raises NoSuchAudience that says what there is."""
    audience = Audience.objects.filter(name=name).first()
    if audience is None:
        known = Audience.objects.order_by("name").values_list("name", flat=True)[:20]
        raise NoSuchAudience(
            f"There is no audience {name!r}. Use everyone, service:SLUG or list:FILE, "
            f"or one of: {', '.join(known) or '(there are none yet)'}."
        )
    return audience


def everyone() -> Audience:
    """The audience of all profiles."""
    audience, _ = Audience.objects.get_or_create(
        kind=Audience.Kind.EVERYONE, defaults={"name": "everyone"}
    )
    return audience


def subscribers(service: Service) -> Audience:
    """The audience of the active subscribers of a service."""
    audience, _ = Audience.objects.get_or_create(
        kind=Audience.Kind.SUBSCRIBERS,
        service=service,
        defaults={"name": f"service:{service.slug}"},
    )
    return audience


def list_of(name: str, profile_ids: list[int]) -> Audience:
    """A new audience with exactly these profiles."""
    audience = Audience.objects.create(name=name, kind=Audience.Kind.LIST)
    AudienceMember.objects.bulk_create(
        AudienceMember(audience=audience, profile_id=pk)
        for pk in sorted({*profile_ids})
    )
    return audience
