"""Whose data is restricted (GDPR 18): it is kept, and neither used nor changed.

A restriction is a privacy request that was granted and has not ended. It opted the
person out of everything; until it is lifted nobody is opted in again, by whomever, and
no time erases the person.
"""

from collections.abc import Iterable

from django.db.models import QuerySet

from audiences.models import PrivacyRequest


def in_force() -> "QuerySet[PrivacyRequest]":
    """The restrictions that are in force now."""
    return PrivacyRequest.objects.filter(
        kind=PrivacyRequest.Kind.RESTRICTION, state=PrivacyRequest.State.GRANTED
    )


def restricted_among(ids: Iterable[int]) -> set[int]:
    """Those of the profiles that are restricted."""
    rows = in_force().filter(profile_id__in=list(ids))
    return set(rows.values_list("profile_id", flat=True))


def is_restricted(profile_id: int) -> bool:
    return bool(restricted_among([profile_id]))
