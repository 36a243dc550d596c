"""The crew of a worker: connections that hand over one batch, message by message.

Each member has a connection to the server, which it keeps open, and one to the
database. Right before each message it looks whether anything has changed since the
batch was checked; if so the rest of the batch is checked again. So an opt-out that
commits before a message is handed over wins, but for the one in flight on each
connection.
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.db import connection

from audiences import changes
from delivery.composing import Composer, recipients
from delivery.models import Dispatch, Sending
from delivery.sending import claims, results
from delivery.sending.claims import Batch
from delivery.sending.last_check import LastCheck
from delivery.sending.looks import Look
from delivery.sending.results import HandedOver
from delivery.transports import Outgoing, Transport, Uncertain

log = logging.getLogger(__name__)
# So many a member begins at a time: what a dying worker leaves uncertain, and a write.
HANDFUL = 10

Status = Dispatch.Status


@dataclass
class Hand:
    """What one member has begun, and what was seen when it was last checked."""

    left: deque[tuple[Outgoing, str]]
    look: Look


@dataclass
class Load:
    """A batch while it is handed over: what is left, and what its check has seen."""

    sending: Sending
    slot: int
    check: LastCheck
    look: Look
    left: deque[tuple[Outgoing, str]]
    withdrawn: dict[int, str] = field(default_factory=dict)
    stopped: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> Hand | None:
        """The next few, begun; None: nothing is left, or it is not to go on."""
        with self.lock:
            if self.stopped or not self.left:
                return None
            count = min(HANDFUL, len(self.left))
            taken = [self.left.popleft() for _number in range(count)]
            look = self.look
        ids = [message.profile_id for message, _address in taken]
        begun = claims.begin(self.sending, ids, self.slot)
        return Hand(deque(x for x in taken if x[0].profile_id in begun), look)

    def next(self, hand: Hand) -> tuple[Outgoing, str] | None:
        """The next of a hand that may go now, after a look; None: there is none."""
        while hand.left and not self.stopped:
            message, address = hand.left.popleft()
            changed, is_sending = hand.look.around()
            if not is_sending:
                hand.left.appendleft((message, address))
                self.stopped = True
                return None
            if changed:
                self._check_again(hand, message.profile_id)
            if message.profile_id not in self.withdrawn:
                return message, address
        return None

    def _check_again(self, hand: Hand, profile_id: int) -> None:
        """Withdraw of this batch whoever must not get it any more.

        Each member checks what it has in hand. What is left is checked by the first who
        sees the change.
        """
        with self.lock:
            now = changes.now()
            is_first = self.look is hand.look
            begun = [profile_id, *(m.profile_id for m, _address in hand.left)]
            left = [m.profile_id for m, _address in self.left] if is_first else []
            ids = sorted([*begun, *left])
            found = self.check.excluded(ids[0], ids[-1])
            for some, status in ((begun, Status.HANDING_OVER), (left, Status.WAITING)):
                causes = {pk: found[pk] for pk in some if pk in found}
                claims.withdraw(self.sending, causes, status)
                self.withdrawn |= causes
            hand.left = self._without_withdrawn(hand.left)
            self.left = self._without_withdrawn(self.left)
            hand.look = Look(self.sending.pk, now)
            if is_first:
                self.look = hand.look

    def _without_withdrawn(
        self, messages: deque[tuple[Outgoing, str]]
    ) -> deque[tuple[Outgoing, str]]:
        return deque(x for x in messages if x[0].profile_id not in self.withdrawn)


class Crew:
    """The connections of a worker; `with` opens it, and closes every connection."""

    def __init__(self, sending: Sending, transports: Sequence[Transport]) -> None:
        self.sending = sending
        self.transports = list(transports)
        self._pool = ThreadPoolExecutor(max(1, len(self.transports) - 1))

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(wait=True)
        for transport in self.transports:
            transport.close()

    def hand_over(
        self, batch: Batch, slot: int, check: LastCheck, composer: Composer
    ) -> None:
        """Hand over a batch of the slot; what is not handed over waits again."""
        people = recipients(self.sending.delivery, batch.ids)
        composed = composer.compose(people)
        addresses = {person.profile_id: person.address for person in people}
        load = Load(
            self.sending,
            slot,
            check,
            Look(self.sending.pk, batch.seen),
            deque((message, addresses[message.profile_id]) for message in composed),
        )
        gone = set(batch.ids) - set(addresses)
        causes = dict.fromkeys(gone, "left_audience")
        claims.withdraw(self.sending, causes, Status.WAITING)
        first, *others = self.transports
        working = [self._pool.submit(self._work_apart, t, load) for t in others]
        try:
            self._work(first, load)
        finally:
            load.stopped = True
            for member in working:
                member.result()
        self._put_back(load.left, Status.WAITING)

    def _work_apart(self, transport: Transport, load: Load) -> None:
        try:
            self._work(transport, load)
        finally:
            connection.close()

    def _work(self, transport: Transport, load: Load) -> None:
        while hand := load.take():
            self._empty(hand, transport, load)

    def _empty(self, hand: Hand, transport: Transport, load: Load) -> None:
        done: list[HandedOver] = []
        try:
            while taken := load.next(hand):
                message, address = taken
                try:
                    result = transport.hand_over(message)
                except Uncertain as error:
                    log.warning("A hand-over broke off: %s", type(error).__name__)
                    result = None
                done.append(HandedOver(message, address, result))
        finally:
            results.write(self.sending, done)
            self._put_back(hand.left, Status.HANDING_OVER)

    def _put_back(self, left: deque[tuple[Outgoing, str]], status: str) -> None:
        ids = [message.profile_id for message, _address in left]
        if ids:
            claims.put_back(self.sending, ids, status)
