"""A page of the feed is read along the index, however much comes behind it.

Whoever reads and sorts all that is left for each page takes the square of the time.
"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audiences import feed
from audiences.feed import Position
from audiences.sql import execute, fetch

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="plans of PostgreSQL"),
]
FEW, MANY = 1_000, 50_000


def _write(first: int, last: int) -> None:
    numbers = f"generate_series({first}, {last}) n"
    execute(
        "INSERT INTO audiences_consentevent"
        " (profile_id, at, kind, channel, source, transaction_id)"
        f" SELECT n, now(), 'opt_out', 'email', 'import', n / 100 FROM {numbers}"
    )
    execute(
        "INSERT INTO audiences_happening (name, at, channel, key, data, transaction_id)"
        " SELECT 'address.released', now(), 'email', n || '@x.example', '{}', n / 100"
        f" FROM {numbers}"
    )


@pytest.mark.parametrize("known", [0, FEW, MANY])
@pytest.mark.parametrize("since", [Position(), Position(1, 0, 5)])
def test_a_page_is_read_in_order(known: int, since: Position) -> None:
    """Whatever the planner has heard of: nothing, the first few, or all of it."""
    # As if hundreds of transactions had written them.
    execute(
        "ALTER TABLE audiences_consentevent"
        " DISABLE TRIGGER audiences_consentevent_stamped"
    )
    for first, last in ((1, FEW), (FEW + 1, MANY)):
        _write(first, last)
        if last == known:
            execute("ANALYZE audiences_consentevent, audiences_happening")
    with CaptureQueriesContext(connection) as captured:
        feed.read(since, 500)
    pages = [q["sql"] for q in captured if '."transaction_id" <' in q["sql"]]
    assert len(pages) == 2
    for sql in pages:
        # What was set for the page is in force until the test ends.
        plan = "\n".join(line for (line,) in fetch(f"EXPLAIN {sql}"))
        assert "Sort" not in plan, plan
        assert "by_transaction" in plan or "happening_in_order" in plan, plan
