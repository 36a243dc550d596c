"""Which profiles one statement looks at, said in a way that planners can use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Min, Q, QuerySet

from audiences.models import StagedProfile


@dataclass(frozen=True)
class Span:
    """The profiles between two ids (included), or only those of them in `ids`.

    It is repeated on every table of a statement: no planner carries it through an outer
    join or into a subquery, and would read a table from end to end for each chunk of an
    analysis. `ids` are a queryset or some ids, for profiles that lie far apart.
    """

    low: int
    high: int
    ids: QuerySet[Any, Any] | Sequence[int] | None = None

    def between(self, name: str) -> Q:
        """The range alone, where no subquery may stand (a FilteredRelation)."""
        return Q(**{f"{name}__gte": self.low, f"{name}__lte": self.high})

    def q(self, name: str) -> Q:
        """Rows whose field `name` holds the id of a profile within the span."""
        if self.ids is None:
            return self.between(name)
        return self.between(name) & Q(**{f"{name}__in": self.ids})

    def within(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        """Those of the rows that are about a profile within the span."""
        return rows.filter(self.q("profile_id"))


def of_staged() -> Span | None:
    """The profiles that are staged on this connection; None when nobody is."""
    ends = StagedProfile.objects.aggregate(low=Min("id"), high=Max("id"))
    if ends["low"] is None:
        return None
    return Span(ends["low"], ends["high"], StagedProfile.objects.values("id"))
