"""Two operators at the same moment, in fixed orders: nobody overwrites anybody unseen."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse

from audiences import sql
from delivery import approvals, deliveries
from delivery.composing import writing
from delivery.models import Delivery, TypologyRule
from tests.delivery.sessions import wait_until_blocked

from .conftest import clerk

pytestmark = [
    pytest.mark.usefixtures("transactional_db"),
    pytest.mark.skipif(
        connection.vendor == "sqlite", reason="SQLite has one writer at a time"
    ),
]
RIGHTS = (
    *("view_delivery", "change_delivery"),
    *("add_typologyrule", "change_typology"),
)


@pytest.fixture
def delivery() -> Delivery:
    return deliveries.create("Spring", channel="email", content="First")


def waits_for(ours: Callable[[], Any], theirs: Callable[[], Any]) -> Any:
    """What comes of their act, which waits for ours, and goes on when it is kept."""

    def run() -> Any:
        try:
            sql.execute("SET lock_timeout = '120s'")
            return theirs()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            ours()
            future: Future[Any] = pool.submit(run)
            wait_until_blocked()
        return future.result(timeout=30)


def test_who_saves_a_text_while_another_does_is_told(delivery: Delivery) -> None:
    eva, bob = clerk("eva", *RIGHTS), clerk("bob", *RIGHTS)
    url = reverse("admin:delivery_delivery_content", args=[delivery.pk])
    seen = bob.get(url).context["seen"]

    def of_eva() -> None:
        writing.set_content(delivery, content="Of Eva")
        user = type("Eva", (), {"get_username": lambda self: "eva"})()
        approvals.written([delivery], user=user)

    told = waits_for(of_eva, lambda: bob.post(url, {"content": "Of Bob", "seen": seen}))
    assert told.context["theirs"][-1] == ("Text", "Of Eva")
    assert "eva saved it meanwhile" in str(told.context["form"].errors)
    delivery.refresh_from_db()
    assert delivery.content == "Of Eva"
    assert eva.get(url).context["form"]["content"].value() == "Of Eva"


def test_two_who_ask_for_the_same_limit_get_one_rule(delivery: Delivery) -> None:
    other = deliveries.create("Summer", channel="email")
    limit = {"maximum": 2, "period_days": 7, "channel": "", "only_here": False}
    second = waits_for(
        lambda: deliveries.limit(delivery, **limit),  # type: ignore[arg-type]
        lambda: deliveries.limit(other, **limit),  # type: ignore[arg-type]
    )
    assert TypologyRule.objects.get(kind="fatigue") == second
