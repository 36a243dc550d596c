"""Whose data is restricted (GDPR 18): it is kept, and neither used nor changed.

A restriction is a privacy request that was granted and has not ended. It opted the
person out of everything; until it is lifted nothing is sent to the person but what the
law demands, and every writer refuses to change who they are, where they are reached and
what they asked for. What restricts them further is still done.

A writer asks under the lock of the profile, which a restriction takes too.
"""

from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from audiences.models import PrivacyRequest
from audiences.refusals import Refused, Sentence
from audiences.sql.many import among

RESTRICTED = Sentence(
    gettext_noop(
        "The person's data is restricted: nothing of it is changed until that is "
        "lifted, under Privacy requests."
    )
)


class Restricted(Refused):
    """The data is restricted: it stays as it is until that is lifted."""


def in_force() -> "QuerySet[PrivacyRequest]":
    """The restrictions that are in force now."""
    return PrivacyRequest.objects.filter(
        kind=PrivacyRequest.Kind.RESTRICTION, state=PrivacyRequest.State.GRANTED
    )


def restricted_among(ids: Iterable[int]) -> set[int]:
    """Those of the profiles that are restricted; one statement for any number."""
    rows = in_force().filter(among("profile_id", ids))
    return set(rows.values_list("profile_id", flat=True))


def is_restricted(profile_id: int) -> bool:
    return in_force().filter(profile_id=profile_id).exists()


def require_free(profile_id: int) -> None:
    """Raise Restricted when nothing of the person may be changed."""
    if is_restricted(profile_id):
        raise Restricted(RESTRICTED)
