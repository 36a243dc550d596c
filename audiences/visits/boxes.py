"""What ticks mean: the rules of the preference page (P2), as a function of plain data.

While "any" is set nothing is shown as ticked. Ticking a channel then clears "any" and
sets the flag of every channel that is not ticked, offered on the page or not. Otherwise
only the channels that the page offers change.
"""

from collections.abc import Collection
from dataclasses import dataclass

from audiences.channels import ANY, Channel
from audiences.consent import Kind
from audiences.visits.standing import Standing

OPENING = (Kind.OPT_IN, Kind.SUBSCRIBE)


@dataclass(frozen=True)
class Boxes:
    """Boxes of channels (codes) and of services (ids): those offered, those ticked."""

    channels: frozenset[str] = frozenset()
    services: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Change:
    """One change to make; `subject` is a scope or the id of a service."""

    kind: str
    subject: str | int

    @property
    def starts(self) -> bool:
        """Whether it makes messages come that did not come before."""
        return self.kind in OPENING

    @property
    def is_about_service(self) -> bool:
        return self.kind in (Kind.SUBSCRIBE, Kind.UNSUBSCRIBE)


def meant(standing: Standing, offered: Boxes, ticked: Boxes, shown: Boxes) -> Boxes:
    """The ticks without those that came with an old form and are not true any more.

    Anyone who opted out in another tab, or by the button of a mail client, has not
    asked for messages by a box that the page had ticked (GDPR 4(11): a clear act).
    """
    old_channels = shown.channels - {*standing.ticked_channels(offered.channels)}
    old_services = shown.services - {*standing.ticked_services(offered.services)}
    return Boxes(ticked.channels - old_channels, ticked.services - old_services)


def changes(standing: Standing, offered: Boxes, ticked: Boxes) -> list[Change]:
    """What must change so that the state is what was ticked; opt-outs come first."""
    channels = ticked.channels & offered.channels
    services = ticked.services & offered.services
    if standing.stopped_all:
        found = _after_stopping_all(standing, channels)
        # Nothing was shown as ticked: only ticks say something about services then.
        ended = standing.subscribed & offered.services - services if channels else set()
    else:
        found = _channel_changes(standing, offered.channels, channels)
        ended = standing.subscribed & offered.services - services
    found += [Change(Kind.UNSUBSCRIBE, service) for service in sorted(ended)]
    begun = services - standing.subscribed
    found += [Change(Kind.SUBSCRIBE, service) for service in sorted(begun)]
    return sorted(found, key=lambda change: change.starts)


def _channel_changes(
    standing: Standing, offered: Collection[str], ticked: Collection[str]
) -> list[Change]:
    out = [c for c in Channel.values if c in offered and c not in ticked]
    into = [c for c in Channel.values if c in offered and c in ticked]
    return [
        *(Change(Kind.OPT_OUT, c) for c in out if c not in standing.out),
        *(Change(Kind.OPT_IN, c) for c in into if c in standing.out),
    ]


def _after_stopping_all(standing: Standing, ticked: Collection[str]) -> list[Change]:
    if not ticked:
        return []
    found = _channel_changes(standing, Channel.values, ticked)
    return [*found, Change(Kind.OPT_IN, ANY)]
