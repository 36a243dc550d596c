"""Erasing a person: the only code that deletes a profile (A2)."""

from django.db import transaction

from audiences.models import ConsentEvidence, Profile
from audiences.signals import profile_erased
from audiences.signups import requesting


def erase(profile: Profile) -> None:
    """Remove a person: profile, addresses, subscriptions and evidence; events stay.

    The only code that deletes a profile. The events name nothing but its number. What
    visitors asked for with its addresses goes too.
    """
    with transaction.atomic():
        requesting.forget(profile)
        Profile.objects.select_for_update(of=("self",)).get(pk=profile.pk)
        profile_erased.send(sender=Profile, profile_id=profile.pk)
        ConsentEvidence.objects.filter(event__profile_id=profile.pk).delete()
        Profile.objects.filter(pk=profile.pk).delete()
