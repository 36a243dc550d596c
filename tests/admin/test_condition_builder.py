"""Audiences are built without JSON: buttons, the count, a sample, faults by row."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audiences import membership, sql
from audiences.membership import counting
from audiences.models import Audience, Profile
from delivery import analysis, deliveries
from tests.factories import many_profiles

from .conftest import World, clerk

ADD = "admin:audiences_audience_add"
BASE = {"name": "Annas", "kind": "condition", "service": ""}
ANNA = {
    "condition.node": "all",
    "condition.0.node": "profile",
    "condition.0.key.field": "first_name",
    "condition.0.key.operator": "is",
    "condition.0.key.value": "Anna",
}
TREE = {
    "version": 1,
    "condition": {
        "node": "all",
        "of": [
            {
                "node": "profile",
                "field": "first_name",
                "operator": "is",
                "value": "Anna",
            }
        ],
    },
}


def test_buttons_add_and_remove_rows_and_save_nothing(
    world: World, admin_client: Client
) -> None:
    pressed = {"_row": "add:condition", "condition.add": "created"}
    answer = admin_client.post(reverse(ADD), {**BASE, **ANNA, **pressed})
    page = answer.content.decode()
    assert 'name="condition.1.key.in_last_days"' in page
    assert 'value="Anna"' in page or ">Anna<" in page
    assert "errornote" not in page
    gone = {**BASE, **ANNA, "_row": "remove:condition.0"}
    page = admin_client.post(reverse(ADD), gone).content.decode()
    assert "condition.0.node" not in page
    assert not Audience.objects.filter(name="Annas").exists()


def test_count_and_sample_are_shown_before_saving(
    world: World, admin_client: Client
) -> None:
    answer = admin_client.post(reverse(ADD), {**BASE, **ANNA, "_row": "count"})
    found = answer.context["matching"]
    assert found.number == "7 profiles"
    assert found.sentence == "first name is Anna"
    assert set(found.sample) == set(world.people)


def test_sample_is_for_those_who_may_see_people(world: World) -> None:
    client = clerk("planner", "add_audience", "view_audience")
    answer = client.post(reverse(ADD), {**BASE, **ANNA, "_row": "count"})
    assert answer.context["matching"].number == "7 profiles"
    assert answer.context["matching"].sample == []


def test_what_is_not_complete_names_row_and_field(
    world: World, admin_client: Client
) -> None:
    wrong = {**BASE, **ANNA, "condition.0.key.value": ""}
    answer = admin_client.post(reverse(ADD), wrong)
    errors = answer.context["adminform"].form.errors["condition"]
    assert errors == ["Row 1, Value: Fill this in."]
    assert 'aria-invalid="true"' in answer.content.decode()
    counted = admin_client.post(reverse(ADD), {**wrong, "_row": "count"})
    assert "Row 1, Value" in counted.context["matching"].problem


def test_audience_is_made_and_changed(world: World, admin_client: Client) -> None:
    assert admin_client.post(reverse(ADD), {**BASE, **ANNA}).status_code == 302
    audience = Audience.objects.get(name="Annas")
    assert audience.condition == TREE
    url = reverse("admin:audiences_audience_change", args=[audience.pk])
    page = admin_client.get(url)
    assert page.context["matching"].number == "7 profiles"
    changed = {"name": "Annas", **ANNA, "condition.0.key.operator": "is_not"}
    assert admin_client.post(url, changed).status_code == 302
    audience.refresh_from_db()
    assert audience.condition["condition"]["of"][0]["operator"] == "is_not"


def test_saving_what_means_the_same_keeps_a_preparation_good(
    world: World, admin_client: Client
) -> None:
    leaf = TREE["condition"]["of"][0]  # type: ignore[index]
    tree = {"version": 1, "condition": leaf}
    audience = membership.create_with_condition("Leaf", tree)
    delivery = deliveries.create("To Leaf", channel="email", audience=lambda: audience)
    analysis.analyse(delivery)
    url = reverse("admin:audiences_audience_change", args=[audience.pk])
    report = reverse("admin:delivery_delivery_outcomes", args=[delivery.pk])
    admin_client.post(url, {"name": "Leaf", **ANNA})
    assert not admin_client.get(report).context["is_stale"]
    other = {"name": "Leaf", **ANNA, "condition.0.key.value": "Eva"}
    admin_client.post(url, other)
    assert admin_client.get(report).context["is_stale"]


def test_audience_that_holds_itself_is_refused(
    world: World, admin_client: Client
) -> None:
    audience = membership.create_with_condition("Annas", TREE)
    url = reverse("admin:audiences_audience_change", args=[audience.pk])
    loop = {
        "name": "Annas",
        "condition.node": "none",
        "condition.0.node": "audience",
        "condition.0.key.name": "Annas",
    }
    answer = admin_client.post(url, loop)
    assert "contain each other" in str(answer.context["adminform"].form.errors)
    counted = admin_client.post(url, {**loop, "_row": "count"})
    assert counted.status_code == 200


def test_count_that_takes_too_long_is_an_estimate(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "SECONDS", 0)

    def too_slow(*args: Any) -> Any:
        raise sql.TooSlow("0 seconds")

    monkeypatch.setattr(sql, "time_limit", too_slow)
    found = counting.of_tree(TREE, with_sample=True)
    assert found.count
    assert not found.count.is_exact
    words = "about" if sql.is_postgresql() else "too many to count"
    assert words in found.number
    assert found.sample == []


def test_dear_condition_is_counted_by_a_sample_of_all_ids(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not sql.is_postgresql():
        pytest.skip("SQLite has no costs, and counts")
    monkeypatch.setattr(counting, "COST", 0)
    monkeypatch.setattr(counting, "STRETCHES", 5)
    monkeypatch.setattr(counting, "LENGTH", 20)
    many_profiles(400)
    ids = Profile.objects.order_by("pk").values_list("pk", flat=True)
    Profile.objects.filter(pk__lt=ids[200]).update(language="fy")
    of_language = Profile.objects.filter(language="fy")
    found = counting.count_within(of_language)
    assert found.number
    assert 150 <= found.number <= 250
    assert not found.is_exact
    empty = counting.count_within(Profile.objects.filter(language="xx"))
    assert empty == counting.Count(0, is_exact=True)


@pytest.mark.parametrize("log", [nullcontext(), CaptureQueriesContext(connection)])
def test_statement_is_cut_off(db: None, log: AbstractContextManager[object]) -> None:
    """Also where Django quotes its parameters by asking SQLite once more."""
    numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE"
    given = [0] * 30_000
    where = f"x < 100000000 AND x NOT IN ({', '.join(['%s'] * len(given))})"
    with log, pytest.raises(sql.TooSlow), sql.time_limit(0.05):
        sql.fetch(f"{numbers} {where}) SELECT max(x) FROM n", given)
    assert sql.fetch("SELECT 1") == [(1,)]


def test_who_may_only_look_builds_nothing(world: World) -> None:
    client = clerk("looker", "view_audience")
    audience = membership.create_with_condition("Annas", TREE)
    url = reverse("admin:audiences_audience_change", args=[audience.pk])
    assert client.get(url).status_code == 200
    assert client.post(url, {"name": "X", **ANNA, "_row": "count"}).status_code == 403
    assert client.post(reverse(ADD), {**BASE, **ANNA}).status_code == 403
