"""What the boxes of a form mean that may be older than what is true.

Somebody has the page open in two tabs, or opts out by the button of a mail client while
it is open. Then a form means the boxes that were touched in it; the rest stays.
"""

from dataclasses import dataclass
from typing import Any

from audiences.channels import ANY
from audiences.consent import Kind
from audiences.models import ConsentEvent
from audiences.visits.standing import Boxes, Standing
from audiences.visits.visit import Visit


@dataclass(frozen=True)
class Submission:
    """A form that was sent: its boxes `ticked`, and `shown` as ticked when it was made.

    `after` is the person's last event when it was made. A form that does not say what
    it showed (`shown` is None) means all of its boxes, ticked and not.
    """

    ticked: Boxes
    shown: Boxes | None = None
    after: int | None = None


def meant(
    standing: Standing, offered: Boxes, sent: Submission, stopped: Boxes
) -> Boxes:
    """The ticks that the visitor means: what is true now, with the boxes they touched.

    An older tab undoes nothing that was changed elsewhere. Anyone who opted out there,
    or by the button of a mail client, has not asked for messages by a box that the page
    had ticked (GDPR 4(11): a clear act); and what was `stopped` after the form was made
    stays so whatever it ticks.
    """
    if sent.shown is None:
        return sent.ticked
    now, ticked, shown = _present(standing, offered), sent.ticked, sent.shown
    return Boxes(
        now.channels - (shown.channels - ticked.channels)
        | (ticked.channels - shown.channels - stopped.channels),
        now.services - (shown.services - ticked.services)
        | (ticked.services - shown.services - stopped.services),
    )


def kept(standing: Standing, offered: Boxes, sent: Submission, wanted: Boxes) -> Boxes:
    """The boxes that were changed elsewhere after the form was made, and stay so."""
    if sent.shown is None:
        return Boxes()
    now, ticked, shown = _present(standing, offered), sent.ticked, sent.shown

    def stay(of: str) -> frozenset[Any]:
        is_on, was_on, is_ticked, will_be, asked = (
            getattr(boxes, of) for boxes in (now, shown, ticked, wanted, offered)
        )
        touched: frozenset[Any] = is_ticked ^ was_on
        refused = (is_ticked - was_on) - will_be
        stays: frozenset[Any] = asked & (((is_on ^ was_on) - touched) | refused)
        return stays

    return Boxes(stay("channels"), stay("services"))


def _present(standing: Standing, offered: Boxes) -> Boxes:
    """The boxes that are true now."""
    return Boxes(
        frozenset(standing.ticked_channels(offered.channels)),
        frozenset(standing.ticked_services(offered.services)),
    )


def stopped_since(visit: Visit, offered: Boxes, sent: Submission) -> Boxes:
    """What the person stopped after the form was made; a stop of everything is all."""
    if sent.after is None:
        return Boxes()
    rows = ConsentEvent.objects.filter(
        profile=visit.profile,
        kind__in=[Kind.OPT_OUT, Kind.UNSUBSCRIBE],
        pk__gt=sent.after,
    )
    stops = list(rows.values_list("channel", "service_id"))
    if any(channel == ANY for channel, _service in stops):
        return offered
    return Boxes(
        frozenset(channel for channel, _service in stops if channel),
        frozenset(service for _channel, service in stops if service),
    )


def last_event(profile_id: int) -> int:
    """The last event of a person, as a form keeps it; 0 when there is none."""
    events = ConsentEvent.objects.filter(profile_id=profile_id).order_by("-pk")
    return events.values_list("pk", flat=True).first() or 0
