"""Audiences that are lists: made from files and from selections, set-based."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.utils.translation import gettext as _

from audiences import sql
from audiences.models import Audience, AudienceMember, Profile
from audiences.refusals import Refused
from audiences.sql.many import among

from .members import check_new_name

Kind = Audience.Kind


def check_list(name: str) -> str:
    """The name, if it is that of a list or of nothing yet; raises Refused."""
    kind = Audience.objects.filter(name=name).values_list("kind", flat=True).first()
    if kind is None:
        check_new_name(name)
    elif kind != Kind.LIST:
        text = _("“{name}” is no list of people: choose another name.")
        raise Refused(text.format(name=name))
    return name


def add_to_list(name: str, profile_ids: Iterable[int]) -> int:
    """Put people into the list of this name, which is made if it is not there.

    Returns how many were not in it. Two that fill one list at once wait for each other.
    """
    ids = sorted(set(profile_ids))
    with transaction.atomic():
        check_list(name)
        Audience.objects.get_or_create(name=name, kind=Kind.LIST)
        audience = Audience.objects.select_for_update().get(name=name)
        held = AudienceMember.objects.filter(
            among("profile_id", ids), audience=audience
        )
        have = set(held.values_list("profile_id", flat=True))
        new = [pk for pk in ids if pk not in have]
        if new:
            rows = [(audience.pk, pk) for pk in new]
            sql.bulk_insert(AudienceMember, ["audience_id", "profile_id"], rows)
    return len(new)


def list_of_people(name: str, people: QuerySet[Profile]) -> Audience:
    """A new audience with these people as they are now, in one statement."""
    check_new_name(name)
    with transaction.atomic():
        audience = Audience.objects.create(name=name, kind=Kind.LIST)
        chosen: QuerySet[Any, Any] = people.order_by().values_list(
            Value(audience.pk), F("pk")
        )
        sql.insert_select(AudienceMember, ["audience_id", "profile_id"], chosen)
    return audience
