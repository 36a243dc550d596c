"""How the database finds a thousand people, whatever its statistics have not seen yet."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences.models import Profile, Service, Subscription
from audiences.sql import analyze, fetch
from tests.factories import ServiceFactory

from .conftest import Program

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="the statistics of PostgreSQL"
    ),
]
PEOPLE = 3_000


@pytest.fixture
def grown() -> Service:
    """A service whose subscribers are all newer than the statistics."""
    known, new = (
        ServiceFactory.create(slug=s, channel="email") for s in ("old", "new")
    )
    Profile.objects.bulk_create(Profile() for _n in range(PEOPLE))
    ids = list(Profile.objects.values_list("pk", flat=True))

    def subscribe(service: Service) -> None:
        Subscription.objects.bulk_create(
            Subscription(
                profile_id=pk,
                service=service,
                status="active",
                changed_at=timezone.now(),
            )
            for pk in ids
        )

    subscribe(known)
    analyze(Subscription, Profile)
    subscribe(new)
    return new


@pytest.mark.parametrize("kind", ["subscriptions", "contactable"])
def test_subscribers_are_found_by_the_people(
    kind: str, grown: Service, shop: Program
) -> None:
    """By a service that seems to have nobody all of its rows would be read."""
    some = list(Profile.objects.order_by("?").values_list("pk", flat=True)[:500])
    items = [
        {"profile": f"id:{pk}", "service": grown.slug, "action": "subscribe"}
        for pk in some
    ]
    bodies: dict[str, Any] = {
        "subscriptions": {"items": items},
        "contactable": {"channel": "email", "service": grown.slug, "profiles": some},
    }
    with CaptureQueriesContext(connection) as done:
        answer = shop.post(kind, bodies[kind])
    assert answer.status_code == 200, answer.content
    asked = [
        query["sql"]
        for query in done.captured_queries
        if query["sql"].startswith("SELECT")
        and 'FROM "audiences_subscription"' in query["sql"]
    ]
    assert asked
    for sql in asked:
        plan = "\n".join(line for (line,) in fetch(f"EXPLAIN {sql.replace('%', '%%')}"))
        assert "subscription_of_service" not in plan, plan
