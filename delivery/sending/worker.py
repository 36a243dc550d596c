"""The work of sending: claim, hand over, write down, until nothing is left (F1, F6).

Any number of processes, on any number of machines, do this for one delivery at once.
Whatever is killed, another goes on: what was claimed and not handed over goes back,
what was being handed over is uncertain.
"""

import time
from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from audiences import sql
from delivery.composing import Composer
from delivery.models import Sending
from delivery.sending import claims, results, seeds, sendings, slots
from delivery.sending.claims import Batch, Over
from delivery.sending.crew import Crew
from delivery.sending.last_check import LastCheck
from delivery.transports import Transport, transport_for

# A last check and a composer keep definitions: both are made anew this often.
FRESH_SECONDS = 30.0
# Whoever waits looks again this often: somebody may have paused it.
LOOK_SECONDS = 1.0
# The share of refusals is looked at after this many batches.
BATCHES = 5


def send(
    sending: Sending,
    *,
    on_progress: Callable[[], None] = lambda: None,
    should_stop: Callable[[], bool] = lambda: False,
    waits: bool = True,
    workers: int = slots.MOST,
) -> None:
    """Send until nothing is left, it is paused or cancelled, or `should_stop` says so.

    `waits`: also for what is to be tried again later; else it is left to the sweep.
    `workers`: how many may do this at once. Raises NoSlot.
    """
    with slots.held(sending, workers) as slot:
        slots.settle_the_dead(sending)
        seeds.send(sending)
        session = connection.connection
        with Crew(sending, _transports(sending)) as crew:
            _Work(sending, slot, crew).go_on(
                on_progress,
                # Our slot went with the session: another worker may settle our claims.
                lambda: should_stop() or connection.connection is not session,
                waits=waits,
            )


def _transports(sending: Sending) -> list[Transport]:
    """One transport for each connection; SQLite has one writer."""
    count = settings.SEND_CONNECTIONS if sql.is_postgresql() else 1
    return [transport_for(sending.delivery.channel) for _number in range(count)]


class _Work:
    def __init__(self, sending: Sending, slot: int, crew: Crew) -> None:
        self.sending, self.slot, self.crew = sending, slot, crew
        self.made_at = float("-inf")
        self.batches = 0

    def go_on(
        self,
        on_progress: Callable[[], None],
        should_stop: Callable[[], bool],
        *,
        waits: bool,
    ) -> None:
        while not should_stop():
            self._make_anew()
            claimed = claims.claim(self.sending, self.check, self.slot)
            if isinstance(claimed, Over):
                return
            if isinstance(claimed, Batch):
                self.crew.hand_over(claimed, self.slot, self.check, self.composer)
                self._look_at_refusals()
                on_progress()
            elif claimed.seconds > LOOK_SECONDS * 5 and not waits:
                return
            else:
                time.sleep(min(claimed.seconds, LOOK_SECONDS))

    def _make_anew(self) -> None:
        if time.monotonic() - self.made_at > FRESH_SECONDS:
            self.check = LastCheck(self.sending.delivery)
            self.composer = Composer(self.sending.delivery)
            self.made_at = time.monotonic()

    def _look_at_refusals(self) -> None:
        """Pause when too many are refused: then something is wrong with us."""
        self.batches += 1
        if self.batches % BATCHES:
            return
        share = results.refused_share(self.sending)
        if share > settings.SEND_PAUSE_REFUSED:
            sendings.pause(
                self.sending.delivery,
                reason=_("{share} of the last messages were refused.").format(
                    share=f"{share:.0%}"
                ),
            )
