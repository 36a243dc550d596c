"""Fixtures of the ledger's tests: a key, and a clock of transactions that goes on."""

import base64
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from audiences import sql
from audiences.changes import Seen, now
from audiences.ledger import sealing
from audiences.models import LedgerState

SEED = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def _key(settings: LazySettings) -> None:
    settings.LEDGER_KEY = SEED
    settings.BASE_URL = "https://news.example.org"
    for name in ("LEDGER_FILE", "LEDGER_MAIL", "LEDGER_URL", "LEDGER_STAMP_URL"):
        setattr(settings, name, "")


@pytest.fixture(autouse=True)
def _introduced(request: pytest.FixtureRequest) -> None:
    """As the migration does; a test before may have emptied the database."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None or marker.kwargs.get("transaction"):
        return
    request.getfixturevalue("db")
    sealing.introduce()
    LedgerState.objects.update(introduced_at=timezone.now() - timedelta(minutes=1))


@pytest.fixture(autouse=True)
def _as_if_committed(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let what the test's own transaction has written count as committed."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None or marker.kwargs.get("transaction") or not sql.is_postgresql():
        return

    def horizon() -> Seen:
        now()
        own = sql.fetch("SELECT pg_current_xact_id()::text::bigint")[0][0]
        return Seen(own + 1, own + 1)

    monkeypatch.setattr(sealing, "horizon", horizon)
