"""Factories of people and services; addresses go through their own writer."""

from typing import Any

import factory
from factory.django import DjangoModelFactory

from audiences import addresses
from audiences.channels import Channel
from audiences.consent import Origin, Source
from audiences.models import Profile, Service

BY_COMMAND = Origin(source=Source.COMMAND, note="asked by phone")


class ProfileFactory(DjangoModelFactory[Profile]):
    """A profile; `email=`, `sms=` and so on attach a primary address.

    Flags are not set here: `audiences.consent` is their only writer.
    """

    class Meta:
        model = Profile
        skip_postgeneration_save = True

    first_name = factory.Faker("first_name")
    last_name = factory.Faker("last_name")

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Profile:
        given = {channel: kwargs.pop(channel, None) for channel in Channel.values}
        profile: Profile = super()._create(model_class, *args, **kwargs)
        for channel, text in given.items():
            if text is not None:
                addresses.attach(profile, channel, text, primary=True)
        # What the database filled in (the flags) is read again.
        profile.refresh_from_db()
        return profile


class ServiceFactory(DjangoModelFactory[Service]):
    class Meta:
        model = Service

    slug = factory.Sequence(lambda n: f"service-{n}")
    label = factory.Sequence(lambda n: f"Service {n}")
    channel = Channel.EMAIL


def many_profiles(count: int, prefix: str = "M") -> list[Profile]:
    """So many profiles without addresses, in one statement."""
    return Profile.objects.bulk_create(
        Profile(external_id=f"{prefix}{number}") for number in range(count)
    )
