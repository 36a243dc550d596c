"""What people are called in the ledger, and how erasure makes nobody of a name.

A name is SHA-256 of a salt and the profile's id. The salt is the only way from one to
the other; erasure deletes it and keeps the name, so that every proof goes on holding.
"""

import os
from collections.abc import Iterable

from django.utils import timezone

from audiences import sql
from audiences.models import LedgerErasure, LedgerSalt, Profile

from .leaves import subject

# Whoever gives a name or takes its salt away holds this, so that nobody who is erased
# at this moment gets a new salt.
LOCK = "ledger:subjects"
_SALT_BYTES = 16


def forget(profile_id: int) -> None:
    """Delete what leads from a person's name in the ledger to the person.

    Part of an erasure, in its transaction, after everything else.
    """
    sql.hold(LOCK)
    kept = LedgerSalt.objects.filter(profile_id=profile_id).first()
    salt = bytes(kept.salt) if kept else os.urandom(_SALT_BYTES)
    LedgerErasure.objects.get_or_create(
        profile_id=profile_id,
        defaults={"subject": subject(salt, profile_id), "at": timezone.now()},
    )
    LedgerSalt.objects.filter(profile_id=profile_id).delete()


def name(profile_ids: Iterable[int]) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """Give salts to people who have none; returns them, and the names of the erased.

    Waits for erasures that are not committed yet. Who is gone already, from before
    there was a ledger, has a name whose salt nobody keeps.
    """
    sql.hold(LOCK)
    wanted = sorted(set(profile_ids))
    rows = LedgerErasure.objects.filter(profile_id__in=wanted)
    gone = {row.profile_id: bytes(row.subject) for row in rows}
    there = set(Profile.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    salts = {pk: os.urandom(_SALT_BYTES) for pk in wanted if pk in there}
    nameless = [pk for pk in wanted if pk not in there and pk not in gone]
    new = [
        LedgerErasure(profile_id=pk, subject=subject(os.urandom(_SALT_BYTES), pk))
        for pk in nameless
    ]
    sql.bulk_insert(LedgerSalt, ["profile_id", "salt"], salts.items())
    LedgerErasure.objects.bulk_create(new)
    return salts, gone | {row.profile_id: bytes(row.subject) for row in new}
