"""Where a person stands on each channel: one answer each, with since when and by whom.

The first that applies, in the order in which a delivery would exclude them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Max
from django.db.models.enums import TextChoices
from django.utils.translation import gettext_lazy as _

from audiences.channels import FLAGS, Channel, Scope
from audiences.consent import Kind
from audiences.models import Address, AddressStatus, ConsentEvent, Profile


class Standing(TextChoices):
    """What becomes of a message to the person on a channel."""

    REACHABLE = "reachable", _("reachable")
    OPTED_OUT = "opted_out", _("opted out")
    NO_ADDRESS = "no_address", _("no address")
    INVALID = "invalid", _("address is not valid")
    SUPPRESSED = "suppressed", _("address is suppressed")
    DENYLISTED = "denylisted", _("address is on the denylist")
    QUARANTINED = "quarantined", _("address is in quarantine")


_STOPPED: dict[str, Standing] = {
    AddressStatus.DENYLISTED: Standing.DENYLISTED,
    AddressStatus.QUARANTINE: Standing.QUARANTINED,
}


@dataclass(frozen=True)
class State:
    """One channel, or any; `event` is the opt-out that closed it."""

    scope: Scope
    standing: Standing
    event: ConsentEvent | None = None


def of(profile: Profile, held: Iterable[Address]) -> list[State]:
    """The state of each channel, of any channel first where that is closed.

    `held` are the person's addresses. One statement, however long the history is.
    """
    closed = [scope for scope, flag in FLAGS.items() if getattr(profile, flag)]
    events = _opt_outs(profile)
    primaries = {a.channel: a for a in held if a.is_primary}
    states = [
        State(scope, Standing.OPTED_OUT, events.get(scope))
        for scope in closed
        if scope == Scope.ANY
    ]
    for channel in Channel:
        scope = Scope(channel.value)
        if scope in closed:
            states.append(State(scope, Standing.OPTED_OUT, events.get(scope)))
        else:
            states.append(State(scope, _by_address(primaries.get(channel))))
    return states


def _by_address(address: Address | None) -> Standing:
    if address is None:
        return Standing.NO_ADDRESS
    if not address.is_valid:
        return Standing.INVALID
    if address.is_suppressed:
        return Standing.SUPPRESSED
    return _STOPPED.get(address.quarantine_status, Standing.REACHABLE)


def _opt_outs(profile: Profile) -> dict[str, ConsentEvent]:
    """The last opt-out of each scope, also of those that are open again."""
    rows = ConsentEvent.objects.filter(
        profile=profile, kind=Kind.OPT_OUT, service__isnull=True
    )
    last = rows.order_by().values("channel").annotate(last=Max("pk")).values("last")
    found = ConsentEvent.objects.filter(pk__in=last)
    return {event.channel: event for event in found.select_related("evidence")}
