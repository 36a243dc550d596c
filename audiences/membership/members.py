"""Who is in an audience: querysets of profiles, never a list in memory."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from django.db.models import F, Q, QuerySet

from audiences import conditions, subscriptions
from audiences.conditions import BadCondition, Moment, Span, Tree
from audiences.models import Audience, AudienceMember, Profile, Service, Subscription

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
            raise BadCondition(loop([*moment.inside, self.name]))
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


def loop(path: list[str]) -> str:
    """The refusal of audiences that contain each other."""
    return f"The audiences contain each other: {' → '.join(path)}."
