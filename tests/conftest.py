"""Fixtures for all tests."""

from collections.abc import Iterator

import pytest
from celery import current_app

from audiences import history_guards


@pytest.fixture(autouse=True)
def _lift_history_guards_for_the_flush(
    request: pytest.FixtureRequest,
) -> Iterator[None]:
    """Transactional tests end with a flush, which the guards would refuse.

    `migrate`'s signal, sent after the flush, puts the guards back.
    """
    marker = request.node.get_closest_marker("django_db")
    named = {"transactional_db", "live_server"} & set(request.fixturenames)
    if not named and not (marker and marker.kwargs.get("transaction")):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    history_guards.remove()


@pytest.fixture(autouse=True)
def _queue_in_memory() -> Iterator[None]:
    """Nothing that a test wakes is left in the queue on disk."""
    before = current_app.conf.broker_url
    current_app.conf.broker_url = "memory://localhost/"
    yield
    current_app.conf.broker_url = before
