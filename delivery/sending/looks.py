"""The look before each message: has anything that could exclude changed since?

It is one statement that finds rows by the number of their transaction, and costs a
fraction of the hand-over. It also says whether the delivery is still being sent: so a
pause stops at the next message.
"""

from dataclasses import dataclass

from audiences import changes, sql
from audiences.models import Address, ConsentEvent, Departure
from audiences.sql import statements
from delivery.models import Sending

# Flags and subscriptions; addresses, with the status of their quarantine; what went.
TABLES = (ConsentEvent, Address, Departure)
_NEW = (
    "EXISTS(SELECT 1 FROM {table} WHERE transaction_id >= %s"
    " AND (transaction_id >= %s OR transaction_id IN ({running})))"
)


@dataclass(frozen=True)
class Look:
    """What was seen when a batch was checked."""

    sending_id: int
    seen: changes.Seen

    def around(self) -> tuple[bool, bool]:
        """Whether something has changed since, and whether it is still to be sent."""
        running = ", ".join(map(str, self.seen.running)) or "-1"
        news = " OR ".join(
            _NEW.format(table=statements.table_of(model), running=running)
            for model in TABLES
        )
        state = f"(SELECT state FROM {statements.table_of(Sending)} WHERE id = %s)"
        ends = [self.seen.low, self.seen.high] * len(TABLES)
        changed, present = sql.fetch(
            f"SELECT {news}, {state}",
            [*ends, self.sending_id],
        )[0]
        return bool(changed), present == Sending.State.SENDING
