"""How long the analysis takes beside the speed of the disk: make bench N=1000000

For each size, on PostgreSQL and (up to a million) on SQLite, in one run: the analysis of
a delivery of a service with the native rules, one filtering and one fatigue rule; the
floor (one INSERT … SELECT of the audience with its addresses, no rules, the key in
place); the bare floor (ids and addresses into a table with a key). Medians of three
rounds, in which the three take turns. The rates of the data are in people.py.
"""

import json
import os
import resource
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from .databases import machine, manage, postgresql, sqlite
from .people import statements

ROUNDS = 3
CONNECTIONS = 2


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def fill(count: int) -> Any:
    """Make the people, the service, the past deliveries and the rules."""
    from django.db import connection

    from audiences import subscriptions
    from delivery import deliveries
    from delivery.rules import writing

    is_postgresql = connection.vendor == "postgresql"
    subscriptions.create_service("weekly", label="Weekly", channel="email")
    deliveries.create("past 1", channel="email")
    deliveries.create("past 2", channel="email")
    if is_postgresql:
        parts = ("generate_series(1, {}) n", "now()", "now() - interval '2 days'")
    else:
        parts = (
            "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c"
            " WHERE n < {}) SELECT n FROM c)",
            "datetime('now')",
            "datetime('now', '-2 days')",
        )
    with connection.cursor() as cursor:
        for sql in statements(parts[0].format(count), parts[1], parts[2]):
            cursor.execute(sql)
        if is_postgresql:
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("ANALYZE")
    tree = {"node": "profile", "field": "country", "operator": "is", "value": "XX"}
    writing.create_filtering_rule(
        "country", condition={"version": 1, "condition": tree}
    )
    writing.create_fatigue_rule("two", maximum=2, period_days=7, channel="email")
    return writing.create_typology("bench", rules=["country", "two"])


def floors() -> tuple[Callable[[], None], Callable[[], None]]:
    """The floor that counts, and the bare one, each into a fresh table."""
    from django.db import connection

    def run(create: str, insert: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS floor")
            cursor.execute(create)
            cursor.execute(insert)

    types = (
        "delivery_id bigint, profile_id bigint, address text, rule_id smallint, "
        "PRIMARY KEY (delivery_id, profile_id)"
    )
    return (
        lambda: run(
            f"CREATE TABLE floor ({types})",
            "INSERT INTO floor SELECT 1, p.id, a.value, NULL FROM audiences_profile p"
            " LEFT JOIN audiences_address a ON a.profile_id = p.id"
            " AND a.channel = 'email' AND a.is_primary",
        ),
        lambda: run(
            "CREATE TABLE floor (profile_id bigint PRIMARY KEY, address text)",
            "INSERT INTO floor SELECT profile_id, value FROM audiences_address"
            " WHERE channel = 'email'",
        ),
    )


def measure(count: int) -> dict[str, Any]:
    """Run in a process of its own, on a migrated, empty database."""
    import django

    django.setup()
    from django.db import connection

    from audiences import membership, profiles
    from audiences.models import Service
    from delivery import analysis, deliveries
    from delivery.models import Delivery, Outcome
    from delivery.sending import last_check

    typology = fill(count)
    service = Service.objects.get()
    floor, bare = floors()
    seconds: dict[str, list[float]] = {"analysis": [], "floor": [], "bare": []}
    counts = {}
    for number in range(ROUNDS):
        seconds["floor"].append(timed(floor))
        seconds["bare"].append(timed(bare))
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE floor")
        Delivery.objects.filter(label__startswith="bench").delete()
        _empty(Outcome)
        delivery = deliveries.create(
            f"bench {number}", channel="email", service=service, typology=typology
        )
        taken = timed(
            lambda d=delivery: counts.update(  # type: ignore[misc]
                report=analysis.analyse(d, connections=CONNECTIONS)
            )
        )
        seconds["analysis"].append(taken)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    person = profiles.find(f"id:{count // 2}")
    analysis.explain(delivery, person)
    explain = statistics.median(
        timed(lambda: analysis.explain(delivery, person)) for _ in range(9)
    )
    checks = last_check.LastCheck(delivery)
    targets = Outcome.objects.filter(
        delivery=delivery, rule__isnull=True, profile_id__gte=count // 2
    )
    ids = list(
        targets.order_by("profile_id").values_list("profile_id", flat=True)[:1000]
    )
    recheck = statistics.median(
        timed(lambda: checks.excluded(ids[0], ids[-1])) for _ in range(9)
    )
    step = max(count // 1000, 1)
    few = membership.list_of("few", list(range(1, count + 1, step))[:1000])
    small = deliveries.create(
        "small", channel="email", audience=lambda: few, typology=typology
    )
    small_seconds = timed(lambda: analysis.analyse(small))
    report = counts["report"]
    return {
        "count": count,
        **{name: statistics.median(values) for name, values in seconds.items()},
        "megabytes": megabytes,
        "explain_ms": explain * 1000,
        "recheck_ms": recheck * 1000,
        "small": small_seconds,
        "to_deliver": report.to_deliver,
        "causes": {line.code: line.count for line in report.causes},
    }


def _empty(model: Any) -> None:
    from django.db import connection

    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {table}")
        else:
            cursor.execute(f"DELETE FROM {table}")


def main(sizes: list[int]) -> None:
    print(f"{machine()}; {CONNECTIONS} connections; medians of {ROUNDS}")
    print(
        f"{'database':<11}{'profiles':>11}{'analysis':>10}{'per s':>10}{'floor':>8}"
        f"{'ratio':>7}{'bare':>8}{'ratio':>7}{'MB':>6}{'explain':>10}{'again':>9}{'1,000 of':>10}"
    )
    for size in sizes:
        for name, database in (("PostgreSQL", postgresql), ("SQLite", sqlite)):
            if name == "SQLite" and size > 1_000_000:
                continue
            with database() as url:
                manage(url, "migrate", "-v0")
                done = subprocess.run(
                    [sys.executable, "-m", __spec__.name, "--measure", str(size)],
                    env=os.environ | {"DATABASE_URL": url, **SETTINGS},
                    stdout=subprocess.PIPE,
                    check=True,
                )
            row = json.loads(done.stdout)
            print(
                f"{name:<11}{size:>11,}{row['analysis']:>9.2f}s"
                f"{size / row['analysis']:>10,.0f}{row['floor']:>7.2f}s"
                f"{row['analysis'] / row['floor']:>7.2f}{row['bare']:>7.2f}s"
                f"{row['analysis'] / row['bare']:>7.2f}{row['megabytes']:>6.0f}"
                f"{row['explain_ms']:>8.1f}ms{row['recheck_ms']:>7.1f}ms"
                f"{row['small']:>9.2f}s",
                flush=True,
            )
            print(f"    to deliver {row['to_deliver']:,}; {row['causes']}", flush=True)


# As in production: with DEBUG, Django keeps every statement.
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "campaign.settings",
    "DEBUG": "0",
    "SECRET_KEY": secrets.token_urlsafe(50),
}

if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        sys.stdout.write(json.dumps(measure(int(sys.argv[2]))))
    else:
        main([int(size) for size in sys.argv[1:]])
