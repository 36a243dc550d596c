"""Locks to take before a change of consent: on one profile or a staged set."""

from typing import Any

from django.db.models import QuerySet

from audiences import sql
from audiences.models import Profile, StagedProfile


def lock(profile: Profile, *fields: str) -> Profile:
    """Lock the profile's row and reload these fields."""
    return rows_to_lock().only(*fields).get(pk=profile.pk)


def rows_to_lock() -> QuerySet[Profile]:
    """Profiles whose rows are locked as they are read: where every writer starts."""
    return Profile.objects.select_for_update(of=("self",))


def stage(profiles: QuerySet[Profile], **condition: object) -> int:
    """Lock and stage the profiles of a queryset that meet a condition.

    The queryset may have joins, repeated rows, an order or a slice.
    """
    # The order decides what a slice or a DISTINCT ON takes; else it is a wasted sort.
    query = profiles.query
    ordered = query.is_sliced or query.distinct_fields or query.combinator
    chosen = (profiles if ordered else profiles.order_by()).values("pk")
    return sql.stage_profiles(Profile.objects.filter(pk__in=chosen).filter(**condition))


def unstage(profile_ids: QuerySet[Any, Any]) -> int:
    """Drop these from the stage, now that the locks are held; returns how many remain.

    Data of *other* tables that a condition read may have changed while `stage` waited.
    """
    StagedProfile.objects.filter(id__in=profile_ids).delete()
    return StagedProfile.objects.count()


def staged() -> QuerySet[Profile]:
    return Profile.objects.filter(pk__in=StagedProfile.objects.values("id"))
