"""What a run judges by is made once; a report is out of date when it changes."""

from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences import membership, subscriptions
from audiences.membership import Members
from audiences.models import Audience, Profile, Service
from delivery import analysis, deliveries, tasks
from delivery.analysis import definitions
from delivery.models import Analysis, AnalysisChunk, Outcome, Typology
from delivery.rules import writing
from tests.people import is_, person, subscribed, tree

pytestmark = pytest.mark.django_db
WEEKLY = {"node": "subscription", "service": "weekly"}


@pytest.fixture
def people() -> list[Profile]:
    service = subscriptions.create_service("weekly", label="Weekly", channel="email")
    found = [person(email=f"{n}@shop.example", language="nl") for n in range(6)]
    subscribed(found[0], service)
    return found


@pytest.fixture
def typology(people: list[Profile]) -> Typology:
    writing.create_filtering_rule("weekly", condition=tree(WEEKLY))
    writing.create_fatigue_rule("one", maximum=1, period_days=7)
    return writing.create_typology("t", rules=["weekly", "one"])


def test_rules_are_read_as_often_for_six_chunks_as_for_one(
    typology: Typology, settings: Any
) -> None:
    """Nor does a chunk look up the services that rules name in words."""
    read = []
    for size in (6, 1):
        settings.ANALYSIS_CHUNK_SIZE = size
        delivery = deliveries.create(f"{size}", channel="email", typology=typology)
        with CaptureQueriesContext(connection) as queries:
            assert analysis.analyse(delivery).to_deliver == 5
            delivery.analyses.update(state="failed")  # or it counts for the next one
        sent = Counter(
            table
            for query in queries
            for table in ("delivery_typologyrule", "audiences_service")
            if query["sql"].startswith("SELECT") and f'FROM "{table}' in query["sql"]
        )
        read.append(sent)
        assert AnalysisChunk.objects.filter(is_judged=True).count() >= 6 // size
    assert read[0] == read[1]


def test_a_worker_that_helps_judges_by_the_rules_of_the_run(
    typology: Typology,
) -> None:
    delivery = deliveries.create("News", channel="email", typology=typology)
    analysis.analyse(delivery)
    expected = set(Outcome.objects.values_list("profile_id", "rule_id"))
    Outcome.objects.all().delete()
    AnalysisChunk.objects.update(is_judged=False)
    Analysis.objects.update(state=Analysis.State.RUNNING)
    writing.set_rules(typology, [])
    tasks.help_analysis(delivery.analyses.get().pk)
    assert set(Outcome.objects.values_list("profile_id", "rule_id")) == expected


@pytest.mark.parametrize("kind", Audience.Kind)
def test_members_are_the_same_however_their_audience_is_described(
    people: list[Profile], kind: str
) -> None:
    weekly = Service.objects.get()
    stored = {
        "everyone": membership.everyone,
        "subscribers": lambda: membership.subscribers(weekly),
        "list": lambda: membership.list_of("us", [people[1].pk]),
        "condition": lambda: membership.create_with_condition("w", tree(WEEKLY)),
    }[kind]()
    members, now = Members.of(stored), timezone.now()
    named = {
        "everyone": Members.everyone(),
        "subscribers": Members.subscribers(weekly),
    }.get(kind, members)
    ids = sorted(members.profiles(now).values_list("pk", flat=True))
    assert len(ids) == (len(people) if kind == "everyone" else 1)
    assert sorted(named.ids(now).values_list("profile_id", flat=True)) == ids


CHANGES = {
    "nothing": (lambda: None, False),
    "a rule": (lambda: writing.change_rule(_rule(), condition=_dutch()), True),
    "its label": (lambda: writing.change_rule(_rule(), label="Other"), True),
    "no rule": (lambda: writing.set_rules(Typology.objects.get(slug="t"), []), True),
    "another typology": (
        lambda: writing.create_typology("u", rules=[], is_default=True),
        False,
    ),
}


def _rule() -> Any:
    return Typology.objects.get(slug="t").rules.get(code="filter:weekly")


def _dutch() -> dict[str, Any]:
    return tree(is_("language", "nl"))


@pytest.mark.parametrize(("change", "is_stale"), CHANGES.values(), ids=CHANGES)
def test_a_report_is_out_of_date_when_what_it_was_judged_by_changes(
    typology: Typology, change: Any, is_stale: bool
) -> None:
    delivery = deliveries.create("News", channel="email", typology=typology)
    analysis.analyse(delivery)
    change()
    run = Analysis.objects.get()
    assert definitions.is_stale(run) == is_stale
