"""A chunk of the analysis reads big tables by their indexes, never from end to end.

PostgreSQL plans by the size of tables: so 100,000 people, and the statement that the
analysis itself sends for a chunk in the middle.
"""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences import membership, subscriptions
from audiences.models import Service
from audiences.sql import execute
from delivery import deliveries
from delivery.analysis import chunks, definitions
from delivery.models import Analysis, AnalysisChunk, Delivery, Typology
from delivery.rules import rows_of, writing
from tests.benchmarks.people import statements
from tests.people import ago, is_, tree

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="plans of PostgreSQL"),
]
PEOPLE = 100_000
LOW, HIGH = 40_001, 45_000
BIG = (
    "audiences_profile",
    "audiences_address",
    "audiences_subscription",
    "audiences_audiencemember",
    "delivery_message",
    "delivery_outcome",
)


@pytest.fixture
def people() -> None:
    """100,000 of them, and deliveries that were sent and that are planned."""
    subscriptions.create_service("weekly", label="Weekly", channel="email")
    for label in ("past 1", "past 2"):
        deliveries.create(label, channel="email")
    planned = deliveries.create("planned", channel="email", contact_date=timezone.now())
    Analysis.objects.create(delivery=planned, state="ready", at=ago(), definition={})
    listed = membership.list_of("listed", [])
    numbers = f"generate_series(1, {PEOPLE}) n"
    for sql in (
        *statements(numbers, "now()", "now() - interval '2 days'"),
        "INSERT INTO delivery_outcome (delivery_id, profile_id, address)"
        f" SELECT {planned.pk}, n, 'x' FROM {numbers} WHERE n % 2 = 0",
        "INSERT INTO audiences_audiencemember (audience_id, profile_id)"
        f" SELECT {listed.pk}, n FROM {numbers} WHERE n % 3 = 0",
        "ANALYZE",
    ):
        execute(sql)
    membership.create_with_condition("dutch", tree(is_("language", "nl")))


def plan_of_a_chunk(delivery: Delivery) -> str:
    """The plan of the statement with which the analysis judges a chunk."""
    run = Analysis(delivery=delivery, at=timezone.now())
    rows = rows_of(delivery.typology)
    run.definition = definitions.definition_of(delivery, rows)
    run.save()
    AnalysisChunk.objects.create(analysis=run, low=LOW, high=HIGH, size=HIGH - LOW + 1)
    with CaptureQueriesContext(connection) as captured:
        assert chunks.judge_next(run, definitions.judge_of(run))
    written = [
        query["sql"]
        for query in captured
        if 'INSERT INTO "delivery_outcome"' in query["sql"]
    ]
    assert len(written) == 1
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + written[0].replace("%", "%%"), [])
        return "\n".join(line for (line,) in cursor.fetchall())


AUDIENCES = {
    "everyone": membership.everyone,
    "list": lambda: membership.find_audience("listed"),
    "service": lambda: membership.subscribers(Service.objects.get()),
    "condition": lambda: membership.find_audience("dutch"),
}
CONDITIONS: dict[str, dict[str, Any]] = {
    "profile": is_("country", "XX"),
    "address": {"node": "address", "channel": "email", "domain": "b.example"},
    "subscription": {"node": "subscription", "service": "weekly", "in_last_days": 7},
    "message": {"node": "message", "in_last_days": 7},
    "message of": {"node": "message", "delivery": "past 2", "channel": "email"},
    "messages": {"node": "message", "at_least": 2, "channel": "email"},
    "listed": {"node": "audience", "name": "listed"},
    "not listed": {"node": "not", "of": {"node": "audience", "name": "listed"}},
    "dutch": {"node": "audience", "name": "dutch"},
}


def scans(plan: str) -> list[str]:
    return [
        line.strip()
        for line in plan.splitlines()
        if "Seq Scan" in line and any(f" on {name} " in line for name in BIG)
    ]


def test_no_chunk_reads_a_big_table_from_end_to_end(people: None) -> None:
    writing.create_fatigue_rule("two", maximum=2, period_days=7, channel="email")
    writing.create_fatigue_rule(
        "own", maximum=3, period_days=7, uses_profile_limit=True
    )
    for slug, node in CONDITIONS.items():
        writing.create_filtering_rule(slug.replace(" ", "_"), condition=tree(node))
    usual = writing.create_typology("usual", rules=["profile", "two"])
    found = {}
    for name, audience in AUDIENCES.items():
        plan = plan_of_a_chunk(_delivery(name, usual, audience))
        found[name] = scans(plan)
        for table in ("profile", "address", "subscription", "message", "outcome"):
            assert f"_{table} " in plan, f"{name} does not read {table}"
    for slug in (*(name.replace(" ", "_") for name in CONDITIONS), "own"):
        typology = writing.create_typology(slug, rules=[slug])
        delivery = _delivery(slug, typology, membership.everyone)
        found[slug] = scans(plan_of_a_chunk(delivery))
    assert {name: lines for name, lines in found.items() if lines} == {}


def _delivery(label: str, typology: Typology, audience: Any) -> Delivery:
    return deliveries.create(
        label,
        channel="email",
        audience=audience,
        service=Service.objects.get(),
        typology=typology,
    )


def test_the_test_of_plans_sees_a_sequential_scan() -> None:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN SELECT * FROM audiences_profile")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert scans(plan)
