"""What an act came to: the answer of every act of a visitor."""

from dataclasses import dataclass

from audiences.models import Service
from audiences.visits.standing import Standing
from audiences.visits.visit import Visit


@dataclass(frozen=True)
class Done:
    """What an act has changed, and where the visitor stands after it.

    `left_out`: something was not done because the link is too old. `closed` are ticked
    services that take no new subscriptions.
    """

    visit: Visit
    standing: Standing
    event_ids: tuple[int, ...] = ()
    stopped_address: bool = False
    left_out: bool = False
    closed: tuple[Service, ...] = ()
