"""A forecast says what an analysis would find, and stores nothing."""

import json
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from audiences import membership
from audiences.membership import Members
from audiences.models import Audience, Profile, Service
from delivery import analysis, deliveries, quarantine
from delivery.models import Typology
from delivery.rules import writing
from tests.people import ago, got, is_, person, subscribed, tree

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[Profile]:
    weekly = Service.objects.create(slug="weekly", label="Weekly", channel="email")
    found = [
        person(email="a@shop.example", sms="+31612345678", language="nl"),
        person(email="A@shop.example", language="nl"),
        person(email="a@shop.example", language="nl", out="email"),
        person(email="d@shop.example", language="nl", out="any"),
        person(email="nowhere", language="nl"),
        person(language="nl"),
        person(email="g@shop.example", language="nl", country="XX"),
        person(email="h@shop.example", language="nl"),
        person(email="i@shop.example", language="en"),
        person(email="j@shop.example", language="en"),
    ]
    quarantine.set_status("email", "i@shop.example", "quarantine", source="operator")
    got(found[7], ago(1))
    for profile in found[::2]:
        subscribed(profile, weekly)
    membership.list_of("listed", [p.pk for p in found[2:9]])
    membership.create_with_condition("dutch", tree(is_("language", "nl")))
    return found


@pytest.fixture
def typology() -> Typology:
    writing.create_filtering_rule("xx", condition=tree(is_("country", "XX")))
    writing.create_fatigue_rule("one", maximum=1, period_days=7)
    return writing.create_typology("t", rules=["one", "xx"])


def counts() -> dict[str, int]:
    """The rows of every table."""
    return {
        model.__name__: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.managed
    }


AUDIENCES = ("everyone", "service:weekly", "listed", "dutch")


@pytest.mark.parametrize("purpose", ["marketing", "legal"])
@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("name", AUDIENCES)
def test_a_forecast_is_what_the_analysis_then_finds(
    people: list[Profile], typology: Typology, name: str, channel: str, purpose: str
) -> None:
    before = counts()
    out = StringIO()
    options = ["--channel", channel, "--purpose", purpose, "--typology", "t", "--json"]
    call_command("forecast_audience", name, *options, stdout=out)
    assert counts() == before
    forecast = json.loads(out.getvalue())
    delivery = deliveries.create(
        "News",
        channel=channel,
        audience=lambda: _saved(name),
        purpose=purpose,
        purpose_note="a note",
        typology=typology,
    )
    report = analysis.analyse(delivery)
    assert forecast["targeted"] == report.targeted > 0
    assert forecast["to_deliver"] == report.to_deliver
    assert forecast["excluded"] == report.excluded
    assert forecast["causes"] == [vars(line) for line in report.causes]
    assert forecast["warnings"] == [vars(line) for line in report.warnings]


def _saved(name: str) -> Audience:
    if name == "everyone":
        return membership.everyone()
    if name == "service:weekly":
        return membership.subscribers(Service.objects.get())
    return membership.find_audience(name)


def test_a_forecast_has_every_cause_at_work(
    people: list[Profile], typology: Typology
) -> None:
    report = analysis.forecast(Members.everyone(), "email", typology=typology)
    assert {line.code: line.count for line in report.causes} == {
        "address_missing": 1,
        "address_invalid": 1,
        "suppressed": 0,
        "denylist_any_channel": 1,
        "denylist_channel": 1,
        "paused": 0,
        "address_denylisted": 0,
        "address_quarantined": 1,
        "not_subscribed": 0,
        "filter:xx": 1,
        "own_limit": 0,
        "fatigue:one": 1,
        "duplicate_address": 1,
    }
    assert (report.targeted, report.to_deliver) == (10, 2)
    assert [line.count for line in report.warnings] == [1]
    assert report.state == "draft"


def test_a_forecast_of_nobody_is_zero() -> None:
    empty = Members.of(membership.list_of("empty", []))
    report = analysis.forecast(empty, "email")
    assert (report.targeted, report.to_deliver, report.excluded) == (0, 0, 0)


def test_the_table_for_people_has_the_same_figures(people: list[Profile]) -> None:
    out = StringIO()
    call_command("forecast_audience", "listed", "--channel", "email", stdout=out)
    shown = out.getvalue()
    assert "Forecast: listed by email" in shown
    assert "Targeted (everyone in the audience)" in shown
    cells = [line.split("│") for line in shown.splitlines() if "To deliver" in line]
    listed = Members.of(membership.find_audience("listed"))
    report = analysis.forecast(listed, "email")
    assert int(cells[0][2]) == report.to_deliver == 2


# ------------------------------------------------------------------ overlap
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("everyone", "everyone", (10, 10, 10)),
        ("everyone", "listed", (10, 7, 7)),
        ("listed", "dutch", (7, 8, 6)),
        ("service:weekly", "listed", (5, 7, 4)),
        ("dutch", "service:weekly", (8, 5, 4)),
    ],
)
def test_the_overlap_of_two_audiences_is_counted(
    people: list[Profile], first: str, second: str, expected: tuple[int, int, int]
) -> None:
    before = counts()
    out = StringIO()
    call_command("forecast_audience", first, "--overlap", second, "--json", stdout=out)
    assert counts() == before
    found = json.loads(out.getvalue())
    assert found["audiences"] == [first, second]
    assert (found["first"], found["second"], found["both"]) == expected
    table = StringIO()
    call_command("forecast_audience", first, "--overlap", second, stdout=table)
    assert str(expected[2]) in table.getvalue()


@pytest.mark.parametrize(
    ("arguments", "message", "returncode"),
    [
        (["dutch"], "Give --channel C, or --overlap NAME", 2),
        (["nobody", "--channel", "email"], "There is no audience 'nobody'", 1),
        (["service:no", "--channel", "email"], "There is no service 'no'", 1),
        (["dutch", "--overlap", "nobody"], "There is no audience 'nobody'", 1),
        (["dutch", "--channel", "email", "--typology", "x"], "no typology 'x'", 1),
    ],
)
def test_a_forecast_says_what_is_wrong(
    people: list[Profile], arguments: list[str], message: str, returncode: int
) -> None:
    with pytest.raises(CommandError, match=message) as caught:
        call_command("forecast_audience", *arguments)
    assert caught.value.returncode == returncode


def test_a_forecast_takes_the_same_queries_for_few_and_many(
    people: list[Profile], typology: Typology, django_assert_max_num_queries: Any
) -> None:
    everyone = Members.everyone()
    Profile.objects.bulk_create(Profile(language="nl") for _number in range(300))
    with django_assert_max_num_queries(9):
        report = analysis.forecast(everyone, "email", typology=typology)
    assert report.targeted == 310
