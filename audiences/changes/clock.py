"""A clock of transactions: what one moment saw, and what was written since.

Neither ids nor times can say what is new. Both are drawn before the commit: a row that
becomes visible now may have a lower id, and an earlier time, than one that was read an
hour ago. So the database writes the number of the transaction into each row that counts
(`transaction_id`, see `watches`), and whoever looks keeps the snapshot of that moment:
which transactions had ended, and which were still running. A row is new when the
snapshot could not see its transaction. Nothing is missed and nothing is guessed,
however long a transaction was open and however much others committed meanwhile.

PostgreSQL: `pg_current_xact_id()` and `pg_current_snapshot()` (manual, 9.27.10).
SQLite has one writer at a time: a number that every look raises does the same.
"""

from dataclasses import dataclass
from typing import Any, Self

from django.db.models import BigIntegerField, Func, Q

from audiences import sql
from audiences.sql import bulk

# SQLite's clock: one row, made by `watches` and read by its triggers.
TABLE = "audiences_clock"
READ = f"(SELECT now FROM {TABLE})"
bulk.filled["transaction_id"] = READ


@dataclass(frozen=True)
class Seen:
    """What could be seen at a moment: which transactions had ended by then.

    All below `low`, none from `high` on, and between them all but the `running` ones.
    Its text is PostgreSQL's notation of a snapshot, so that a run can keep it.
    """

    low: int
    high: int
    running: tuple[int, ...] = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """Read what `str` wrote."""
        low, high, running = text.split(":")
        return cls(
            int(low), int(high), tuple(map(int, filter(None, running.split(","))))
        )

    def __str__(self) -> str:
        return f"{self.low}:{self.high}:{','.join(map(str, self.running))}"

    def until(self, later: "Seen", name: str = "transaction_id") -> Q:
        """Rows that `later` could see and this moment could not.

        A number from `later.high` on is that of another server, whose backup was
        restored into this one: such a row is old.
        """
        is_new = Q(**{f"{name}__gte": self.high})
        if self.running:
            is_new |= Q(**{f"{name}__in": self.running})
        return Q(**{f"{name}__gte": self.low, f"{name}__lt": later.high}) & is_new


def now() -> Seen:
    """What can be seen at this moment; take it before reading anything else.

    What the present transaction has written itself counts as not seen.
    """
    if not sql.is_postgresql():
        sql.execute(f"UPDATE {TABLE} SET now = now + 1")
        number = sql.fetch(f"SELECT now FROM {TABLE}")[0][0]
        return Seen(number, number)
    text, own = sql.fetch(
        "SELECT pg_current_snapshot()::text, pg_current_xact_id_if_assigned()::text"
    )[0]
    seen = Seen.of(text)
    if own is None:
        return seen
    running = tuple(sorted({*seen.running, int(own)}))
    return Seen(min(seen.low, int(own)), max(seen.high, int(own) + 1), running)


def ended() -> Seen:
    """As `now`, but of other databases of the server nobody is waited for.

    A snapshot is one of the whole server. A transaction counts as another database's
    only where its lock says so (`pg_locks`, manual 53.12): one that is just beginning
    and holds none yet is waited for. One that ended since the snapshot can be read by
    whoever reads after this.
    """
    seen = now()
    if not seen.running:
        return seen
    foreign = {
        number
        for (number,) in sql.fetch(
            "SELECT l.transactionid::text::bigint FROM pg_locks l"
            " JOIN pg_stat_activity a ON a.pid = l.pid"
            " WHERE l.locktype = 'transactionid' AND l.granted"
            " AND l.mode = 'ExclusiveLock' AND a.datid <>"
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    }
    ours = {number for number in seen.running if number % 2**32 not in foreign}
    if ours:
        # Whoever ended meanwhile has no lock either, and need not be waited for.
        ours &= {*now().running}
    return Seen(min(ours, default=seen.high), seen.high, tuple(sorted(ours)))


class _ThisTransaction(Func):
    template = "pg_current_xact_id()::text::bigint"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=READ, **context)


def this_transaction() -> Func:
    """The number of the present transaction, for a row that code writes."""
    return _ThisTransaction(output_field=BigIntegerField())
