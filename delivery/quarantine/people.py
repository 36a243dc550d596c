"""Quarantining all addresses of one person (P4), or of many at once."""

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from audiences.consent import Origin
from audiences.models import Address, AddressStatus, BulkAct, Profile
from audiences.selections import acts
from audiences.sql.retries import retried
from delivery.models import QuarantineAction
from delivery.models.quarantine import ErrorReason

from . import undoing, writing

# What is in quarantine, or on the denylist, stays as it is.
CAN_BE_QUARANTINED = (AddressStatus.VALID, AddressStatus.ERRONEOUS)
PERMISSION = "delivery.add_quarantineentry"


def addresses_of(people: QuerySet[Profile]) -> QuerySet[Address]:
    """The addresses that can be quarantined; nothing is ever sent to an invalid one."""
    return Address.objects.filter(profile__in=people, is_valid=True)


@retried
def quarantine_people(people: QuerySet[Profile], act: BulkAct, by: Origin) -> int:
    """Put every address of these people in quarantine, for all profiles that have it.

    Set-based; an address already there, or on the denylist, stays as it is. Returns how
    many people had an address that was not.
    """
    open_ = addresses_of(people).filter(quarantine_status__in=CAN_BE_QUARANTINED)
    rows = list(open_.values_list("channel", "key", "profile_id"))
    writing.raise_statuses(
        [
            QuarantineAction(
                channel=channel,
                key=key,
                kind=QuarantineAction.Kind.SET,
                status=AddressStatus.QUARANTINE,
                reason=ErrorReason.OPERATOR,
                text=by.note,
                actor=by.actor,
                source=by.source,
                act_id=act.pk,
            )
            for channel, key in {(c, k) for c, k, _pk in rows}
        ]
    )
    return len({pk for _channel, key_of, pk in rows})


acts.register(
    acts.Act(
        "quarantine",
        _("Quarantine all addresses"),
        quarantine_people,
        explanation=_(
            "Nothing is sent to these addresses any more, also not for other profiles "
            "that have them."
        ),
        permission=PERMISSION,
        most=250,
        reverse=undoing.REVERSE,
    )
)
