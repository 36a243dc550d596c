"""Figures of a service: of now where there are few rows, else as of the last count."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audiences import subscriptions
from audiences.background import figures
from audiences.models import Figure, Profile, Service
from audiences.subscriptions import figures as service_figures, reports
from audiences.subscriptions.figures import COUNTS, REPORTS
from tests.factories import BY_COMMAND, ProfileFactory, many_profiles

pytestmark = pytest.mark.django_db


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service with more than a page counts itself: four subscribed, one left."""
    monkeypatch.setattr(service_figures, "LIVE", 4)
    made = subscriptions.create_service("large", label="Large", channel="email")
    many_profiles(5)
    subscriptions.subscribe_all(Profile.objects.all(), made, BY_COMMAND)
    subscriptions.unsubscribe(Profile.objects.earliest("pk"), made, BY_COMMAND)
    return made


@pytest.fixture
def small() -> Service:
    return subscriptions.create_service("small", label="Small", channel="email")


def active(service: Service) -> int | None:
    statuses = service_figures.counts([service.pk])[service.pk].statuses
    return None if statuses is None else statuses["active"]


def test_change_of_a_small_service_is_seen_at_once(small: Service) -> None:
    figures.refresh()
    assert active(small) == 0
    subscriptions.subscribe(ProfileFactory(), small, BY_COMMAND)
    assert active(small) == 1
    assert service_figures.counts([small.pk])[small.pk].at is None
    reported = service_figures.report(small, by="day", source="")
    assert reported.report
    assert (reported.at, reported.report.periods[-1].active) == (None, 1)


def test_large_service_shows_what_was_counted_last(large: Service) -> None:
    assert active(large) is None
    assert service_figures.report(large, by="day", source="").report is None
    figures.refresh()
    subscriptions.subscribe(ProfileFactory(), large, BY_COMMAND)
    counted = service_figures.counts([large.pk])[large.pk]
    assert (active(large), counted.at) == (4, Figure.objects.get(name=COUNTS).at)
    figures.refresh(COUNTS)
    assert active(large) == 5


@pytest.mark.parametrize("by", reports.PERIODS)
@pytest.mark.parametrize("source", ["", "command", "import"])
def test_kept_report_says_what_a_report_of_that_time_says(
    large: Service, by: str, source: str
) -> None:
    figures.refresh(REPORTS)
    kept = service_figures.report(large, by=by, source=source)
    assert kept.at
    assert kept.report == reports.report(large, by=by, source=source, now=kept.at)


def test_large_service_does_not_hide_changes_of_a_small_one(
    large: Service, small: Service
) -> None:
    figures.refresh()
    subscriptions.subscribe(Profile.objects.latest("pk"), small, BY_COMMAND)
    found = service_figures.counts([large.pk, small.pk])
    assert {pk: counted.at is None for pk, counted in found.items()} == {
        large.pk: False,
        small.pk: True,
    }
    assert active(small) == 1


def test_pages_of_a_large_service_count_nothing(
    large: Service, admin_client: Client
) -> None:
    pages = (
        reverse("admin:audiences_service_changelist"),
        reverse("admin:audiences_service_change", args=[large.pk]),
        reverse("admin:audiences_service_report", args=[large.pk]),
    )
    for said in ("Not counted yet", "as of "):
        for page in pages:
            with CaptureQueriesContext(connection) as captured:
                answer = admin_client.get(page)
            assert answer.status_code == 200
            assert said in answer.content.decode(), page
            assert not [q for q in captured if "GROUP BY" in q["sql"]], page
        figures.refresh()


def test_home_does_not_read_the_figures_of_services(large: Service) -> None:
    figures.refresh()
    assert Figure.objects.filter(name__in=(COUNTS, REPORTS)).count() == 2
    assert not {COUNTS, REPORTS} & figures.latest().keys()
