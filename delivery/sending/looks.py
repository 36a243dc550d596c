"""The look before each message: has anything that could exclude changed since?

It is one statement that finds rows by the number of their transaction, and costs a
fraction of the hand-over. It also says whether the delivery is still being sent: so a
pause stops at the next message.
"""

from audiences import changes, sql
from audiences.models import Address, ConsentEvent, ContactWish, Departure
from audiences.sql import statements
from delivery.models import Sending

# Flags and subscriptions; wishes; addresses, with the status of their quarantine; what
# went.
TABLES = (ConsentEvent, ContactWish, Address, Departure)
_NEW = (
    "EXISTS(SELECT 1 FROM {table} WHERE transaction_id >= %s"
    " AND (transaction_id >= %s OR transaction_id IN ({running})))"
)


class Look:
    """What was seen when a batch was checked, and the statement that asks for news."""

    def __init__(self, sending_id: int, seen: changes.Seen) -> None:
        self.seen = seen
        running = ", ".join(map(str, seen.running)) or "-1"
        news = " OR ".join(
            _NEW.format(table=statements.table_of(model), running=running)
            for model in TABLES
        )
        state = f"(SELECT state FROM {statements.table_of(Sending)} WHERE id = %s)"
        self._statement = f"SELECT {news}, {state}"
        self._facts = [*[seen.low, seen.high] * len(TABLES), sending_id]

    def around(self) -> tuple[bool, bool]:
        """Whether something has changed since, and whether it is still to be sent."""
        changed, state = sql.fetch(self._statement, self._facts)[0]
        return bool(changed), state == Sending.State.SENDING
