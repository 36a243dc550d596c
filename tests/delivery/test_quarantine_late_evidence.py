"""Evidence that arrives late counts as if it had come in time."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from audiences.models import AddressStatus
from delivery import quarantine
from delivery.models import AddressError, QuarantineAction
from delivery.models.quarantine import ErrorReason, ErrorType
from delivery.quarantine.verification import verify_quarantine

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def record(**values: object) -> None:
    facts = {"type": ErrorType.HARD, "source": "test", "at": AT, **values}
    quarantine.record("email", "a@x.example", **facts)  # type: ignore[arg-type]


def status() -> str:
    entry = quarantine.entry_of("email", "a@x.example")
    assert entry is not None
    assert list(verify_quarantine()) == []
    return entry.status


LATE = {
    "a complaint": ({"reason": ErrorReason.COMPLAINT}, AddressStatus.DENYLISTED),
    "a hard error": ({"text": "no such user"}, AddressStatus.QUARANTINE),
    "a hard error of the outage": ({"text": "outage"}, AddressStatus.VALID),
}


@pytest.mark.parametrize("name", LATE)
@pytest.mark.parametrize("late", [True, False])
def test_a_bulk_release_discounts_its_own_errors_alone(name: str, late: bool) -> None:
    values, expected = LATE[name]
    if not late:
        record(at=AT - timedelta(hours=1), **values)
    record(text="Outage at the provider")
    quarantine.release_matching("outage", AT - DAY, AT + DAY, source="test")
    if late:
        record(at=AT - timedelta(hours=1), **values)
    assert status() == expected


def test_a_complaint_with_the_text_of_the_outage_is_not_discounted() -> None:
    record(text="outage", reason=ErrorReason.COMPLAINT)
    quarantine.release_matching("outage", AT - DAY, AT + DAY, source="test")
    assert status() == AddressStatus.DENYLISTED


def test_a_soft_error_besides_the_outage_does_not_keep_the_address() -> None:
    record(type=ErrorType.SOFT, at=AT - 2 * DAY, text="mailbox full")
    record(text="outage")
    quarantine.release_matching("outage", AT - DAY, AT + DAY, source="test")
    assert status() == AddressStatus.VALID


def test_a_list_that_says_erroneous_does_not_hide_a_late_hard_error() -> None:
    raised = QuarantineAction(
        channel="email",
        key="a@x.example",
        kind=QuarantineAction.Kind.RAISE,
        status=AddressStatus.ERRONEOUS,
        source="test",
    )
    quarantine.raise_statuses([raised])
    assert status() == AddressStatus.ERRONEOUS
    record()
    assert status() == AddressStatus.QUARANTINE


def test_a_late_error_that_does_not_count_never_shortens_the_time() -> None:
    full = {"type": ErrorType.SOFT, "reason": ErrorReason.MAILBOX_FULL}
    for days in (0, 1, 2, 3, 28):
        record(at=AT + days * DAY, **full)
    assert status() == AddressStatus.QUARANTINE
    record(type=ErrorType.SOFT, at=AT + 3 * DAY + timedelta(hours=1))
    assert status() == AddressStatus.QUARANTINE


def test_a_late_error_does_not_lose_the_count_of_a_list() -> None:
    listed = QuarantineAction(
        channel="email",
        key="a@x.example",
        kind=QuarantineAction.Kind.RAISE,
        status=AddressStatus.ERRONEOUS,
        error_count=4,
        last_error_at=timezone.now() - 3 * DAY,
        source="test",
    )
    quarantine.raise_statuses([listed])
    record(type=ErrorType.SOFT, at=timezone.now() + timedelta(seconds=1))
    assert status() == AddressStatus.QUARANTINE
    record(type=ErrorType.SOFT, at=timezone.now() - 3 * DAY - timedelta(hours=1))
    assert status() == AddressStatus.QUARANTINE


def test_an_operator_can_release_an_address_with_an_error_in_the_future() -> None:
    """Such an error is refused now; some are on record from before."""
    AddressError.objects.create(
        channel="email",
        key="a@x.example",
        at=timezone.now() + DAY,
        type=ErrorType.HARD,
        source="test",
    )
    record(type=ErrorType.SOFT)
    assert status() == AddressStatus.QUARANTINE
    quarantine.set_status("email", "a@x.example", AddressStatus.VALID, source="test")
    assert status() == AddressStatus.VALID
