"""A wish that is expressed while a delivery leaves binds the next message."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audiences import wishes
from audiences.models import Profile
from delivery.models import Delivery
from delivery.sending import claims, sendings, worker
from delivery.sending.status import status_of
from tests.people import ORIGIN, ago, got
from tests.transports.smtp_server import Sink

from .conftest import recipients_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("code", ["paused", "own_limit"])
def test_who_asks_for_less_between_claim_and_hand_over_is_withdrawn(
    prepared: Delivery,
    people: list[Profile],
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
) -> None:
    got(people[8], ago(5))
    sending = sendings.begin(prepared, actor="test", wakes=False)
    first = claims.claim

    def claim_then_ask(*args: object, **kwargs: object) -> object:
        claimed = first(*args, **kwargs)  # type: ignore[arg-type]
        if isinstance(claimed, claims.Batch):
            facts: dict[str, Any] = {"per_month": 1}
            if code == "paused":
                facts = {"paused_until": timezone.now() + timedelta(days=9)}
            wishes.express(people[8], "email", ORIGIN, **facts)
        return claimed

    monkeypatch.setattr(claims, "claim", claim_then_ask)
    worker.send(sending, waits=False)
    found = status_of(prepared)
    assert (found.sent, found.withdrawn) == (9, {code: 1})
    assert "p9@example.com" not in recipients_of(sink)
