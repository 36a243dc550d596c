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
from delivery.models import Sending
from delivery.sending import claims, results
from delivery.sending.claims import Batch
from delivery.sending.last_check import LastCheck
from delivery.sending.looks import Look
from delivery.sending.results import HandedOver
from delivery.transports import Outgoing, Transport, Uncertain

log = logging.getLogger(__name__)
# Results that one member keeps before it writes them down.
KEPT = 20


@dataclass
class Load:
    """A batch while it is handed over: what is left, and what its check has seen."""

    sending: Sending
    check: LastCheck
    look: Look
    left: deque[tuple[Outgoing, str]]
    withdrawn: dict[int, str] = field(default_factory=dict)
    stopped: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> tuple[Outgoing, str] | None:
        """The next message that may go now, after a look; None: there is none."""
        while True:
            with self.lock:
                if self.stopped or not self.left:
                    return None
                message, address = self.left.popleft()
                look = self.look
            changed, is_sending = look.around()
            if not is_sending:
                self._stop(message, address)
                return None
            if changed:
                self._check_again(look, message.profile_id)
            if message.profile_id not in self.withdrawn:
                return message, address

    def _stop(self, message: Outgoing, address: str) -> None:
        with self.lock:
            self.stopped = True
            self.left.appendleft((message, address))

    def _check_again(self, look: Look, profile_id: int) -> None:
        """Withdraw of this batch whoever must not get it any more.

        The message in hand is never left to others: they check what is left, and it is
        not among that. What is left is checked by the first who sees the change.
        """
        with self.lock:
            now = changes.now()
            is_first = self.look is look
            left = [m.profile_id for m, _address in self.left] if is_first else []
            ids = sorted([profile_id, *left])
            found = self.check.excluded(ids[0], ids[-1])
            causes = {pk: found[pk] for pk in ids if pk in found}
            claims.withdraw(self.sending, causes)
            self.withdrawn |= causes
            self.left = deque(x for x in self.left if x[0].profile_id not in causes)
            if is_first:
                self.look = Look(self.sending.pk, now)


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

    def hand_over(self, batch: Batch, check: LastCheck, composer: Composer) -> None:
        """Hand over a batch; what is not handed over waits again."""
        people = recipients(self.sending.delivery, batch.ids)
        composed = composer.compose(people)
        addresses = {person.profile_id: person.address for person in people}
        load = Load(
            self.sending,
            check,
            Look(self.sending.pk, batch.seen),
            deque((message, addresses[message.profile_id]) for message in composed),
        )
        gone = set(batch.ids) - set(addresses)
        claims.withdraw(self.sending, dict.fromkeys(gone, "left_audience"))
        first, *others = self.transports
        working = [self._pool.submit(self._work_apart, t, load) for t in others]
        try:
            self._work(first, load)
        finally:
            load.stopped = True
            for member in working:
                member.result()
        claims.put_back(self.sending, [m.profile_id for m, _address in load.left])

    def _work_apart(self, transport: Transport, load: Load) -> None:
        try:
            self._work(transport, load)
        finally:
            connection.close()

    def _work(self, transport: Transport, load: Load) -> None:
        done: list[HandedOver] = []
        try:
            while taken := load.next():
                message, address = taken
                try:
                    result = transport.hand_over(message)
                except Uncertain as error:
                    log.warning("A hand-over broke off: %s", type(error).__name__)
                    result = None
                done.append(HandedOver(message, address, result))
                if len(done) >= KEPT:
                    results.write(self.sending, done)
                    done = []
        finally:
            results.write(self.sending, done)
