"""Times of the quarantine: none lies ahead, none is guessed, and releases know theirs."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from audiences import addresses
from audiences.models import Address, Profile
from audiences.moments import LiesAhead
from delivery import deliveries, quarantine
from delivery.models import AddressError, Message, QuarantineAction, QuarantineEntry
from delivery.quarantine.verification import verify_quarantine
from tests.commands.conftest import run
from tests.factories import ProfileFactory

__all__ = ["run"]
pytestmark = pytest.mark.django_db
ANN = "ann@x.example"
HOUR = timedelta(hours=1)


def status_of(address: str = ANN) -> str:
    entry = quarantine.entry_of("email", address)
    return entry.status if entry else "none"


def ahead(minutes: float) -> str:
    return (timezone.now() + timedelta(minutes=minutes)).isoformat()


# ------------------------------------------------------------------ ahead
@pytest.mark.parametrize("type", ["hard", "soft", "ignored"])
@pytest.mark.parametrize("minutes", [6, 60 * 24, 60 * 24 * 365 * 4])
def test_an_error_that_lies_ahead_is_refused(
    run: Callable[..., Any], type: str, minutes: int
) -> None:
    facts = ["--channel=email", f"--type={type}", f"--at={ahead(minutes)}"]
    done = run("record_error", ANN, *facts)
    assert (done.code, done.out) == (1, "")
    assert "lies in the future" in done.err
    assert not AddressError.objects.exists()
    assert status_of() == "none"


def test_a_clock_that_is_a_little_off_is_forgiven(run: Callable[..., Any]) -> None:
    facts = ["--channel=email", "--type=hard", f"--at={ahead(4)}"]
    assert run("record_error", ANN, *facts).code == 0
    assert AddressError.objects.get().at <= timezone.now()
    assert run("release_quarantine", ANN, "--channel=email").code == 0
    assert status_of() == "valid"


@pytest.mark.parametrize("column", ["first_error_at", "last_error_at"])
def test_a_time_in_a_list_that_lies_ahead_is_left_out(
    run: Callable[..., Any], tmp_path: Path, column: str
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        f"channel,address,{column}\nemail,{ANN},{ahead(6)}\nemail,b@x.example,\n"
    )
    assert run("import_quarantine", str(file)).code == 0
    rejects = Path(f"{file}.rejects.csv").read_text()
    assert column in rejects
    assert "lies in the future" in rejects
    # The time is left out; what the list is for is done.
    assert (status_of(), status_of("b@x.example")) == ("quarantine", "quarantine")


def test_a_message_that_lies_ahead_is_rejected(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    ProfileFactory(email=ANN)
    ProfileFactory(email="b@x.example")
    delivery = deliveries.create(label="L", channel="email")
    file = tmp_path / "sent.csv"
    file.write_text(f"address,time\n{ANN},{ahead(6)}\nb@x.example,{ahead(-6)}\n")
    assert run("record_messages", f"id:{delivery.pk}", str(file)).code == 0
    assert "lies in the future" in Path(f"{file}.rejects.csv").read_text()
    assert [m.address for m in Message.objects.all()] == ["b@x.example"]


# ------------------------------------------------------------------ not one moment
@pytest.mark.parametrize(
    ("at", "readings"),
    [
        ("2025-10-26T02:30", ("02:30:00+02:00", "02:30:00+01:00")),
        ("2026-03-29T02:30", ("01:30:00+01:00", "03:30:00+02:00")),
    ],
)
def test_a_time_that_the_clocks_skip_or_repeat_is_refused_with_both_readings(
    run: Callable[..., Any], tmp_path: Path, at: str, readings: tuple[str, str]
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"channel,address,last_error_at\nemail,{ANN},{at}\n")
    with override_settings(TIME_ZONE="Europe/Amsterdam"):
        said = [
            run("record_error", ANN, "--channel=email", "--type=hard", f"--at={at}"),
            run("release_quarantine", "--text=a", f"--from={at}", "--to=2026-11-01"),
            run(
                "create_delivery",
                "--label=L",
                "--channel=email",
                f"--contact-date={at}",
            ),
        ]
        assert run("import_quarantine", str(file)).code == 0
    rejects = Path(f"{file}.rejects.csv").read_text()
    for reading in readings:
        assert all(done.code and reading in done.err for done in said)
        assert reading in rejects
    assert not AddressError.objects.exists()
    assert status_of() == "quarantine"  # by the list, without its time


# ------------------------------------------------------------------ periods
def fail(at: datetime, text: str = "outage", **facts: Any) -> None:
    facts = {"type": "hard", "source": "test", **facts}
    quarantine.record("email", ANN, at=at, text=text, **facts)


def test_a_bulk_release_of_a_period_that_goes_on_ends_now(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    fail(now - HOUR)
    period = [f"--from={(now - 2 * HOUR).isoformat()}", "--to=2040-01-01"]
    assert run("release_quarantine", "--text=outage", *period).code == 0
    assert status_of() == "valid"
    fail(now - HOUR / 2)  # of the outage, and known only now
    assert status_of() == "valid"
    monkeypatch.setattr(timezone, "now", lambda: now + HOUR)
    fail(now + HOUR / 2)
    assert status_of() == "quarantine"


def test_a_bulk_release_of_a_period_to_come_is_refused() -> None:
    begin = timezone.now() + HOUR
    with pytest.raises(LiesAhead):
        quarantine.release_matching("a", begin, begin + HOUR, source="test")


# ------------------------------------------------------------------ what was known
@pytest.mark.parametrize(
    ("late", "status"),
    [
        ({"reason": "complaint"}, "denylisted"),
        ({"reason": "stop", "type": "soft"}, "denylisted"),
        ({"reason": "user_unknown"}, "quarantine"),
        ({"type": "soft"}, "erroneous"),
        ({"type": "ignored", "reason": "complaint"}, "valid"),
    ],
)
@pytest.mark.parametrize("way", ["command", "deleted", "twice"])
def test_what_arrives_after_a_release_counts_however_early_it_is_dated(
    run: Callable[..., Any], late: dict[str, str], status: str, way: str
) -> None:
    addresses.attach(Profile.objects.create(), "email", ANN)
    fail(timezone.now() - 9 * HOUR)
    for _ in range(2 if way == "twice" else 1):
        if way == "deleted":
            quarantine.delete(QuarantineEntry.objects.get(), source="test")
        else:
            run("release_quarantine", ANN, "--channel=email")
    fail(timezone.now() - 5 * HOUR, **late)
    expected = "none" if way == "deleted" and status == "valid" else status
    assert status_of() == expected
    assert Address.objects.get().quarantine_status == status
    assert list(verify_quarantine()) == []
    run("release_quarantine", ANN, "--channel=email")
    assert status_of() == "valid"


def test_an_old_decision_is_judged_by_its_time_as_far_as_the_upgrade_knew() -> None:
    """As after the migration: every decision knows the last error on record."""
    decision = timezone.now() - 5 * HOUR
    fail(decision - HOUR)
    fail(decision + HOUR, type="soft")
    QuarantineAction.objects.create(
        channel="email",
        key=ANN,
        at=decision,
        kind="set",
        status="valid",
        source="test",
        known_error_id=AddressError.objects.latest("pk").pk,
    )
    fail(decision + 2 * HOUR, type="soft")
    assert status_of() == "erroneous"
    fail(decision - 2 * HOUR, reason="complaint")
    assert status_of() == "denylisted"


# ------------------------------------------------------------------ mending
def test_mending_gives_copies_the_status_of_their_entry(
    run: Callable[..., Any],
) -> None:
    names = ["free", "soft", "hard", "denied", "broken"]
    for name in names:
        addresses.attach(Profile.objects.create(), "email", f"{name}@x.example")
    now = timezone.now()
    for name, type, reason in (
        ("soft", "soft", "refused"),
        ("hard", "hard", "refused"),
        ("denied", "hard", "stop"),
    ):
        facts = {"type": type, "reason": reason, "source": "test", "at": now}
        quarantine.record("email", f"{name}@x.example", **facts)
    Address.objects.filter(key="broken@x.example").update(is_valid=False)
    right = ["valid", "erroneous", "quarantine", "denylisted", "valid"]
    for wrong in ("valid", "erroneous", "quarantine", "denylisted"):
        Address.objects.update(quarantine_status=wrong)
        told = run("verify_quarantine")
        assert told.code == 1
        assert list(Address.objects.values_list("quarantine_status", flat=True)) == [
            wrong
        ] * len(names)
        done = run("verify_quarantine", "--mend")
        assert done.code == 0
        assert done.out.count("(mended)") == len(names) - right.count(wrong)
        copies = Address.objects.order_by("pk")
        assert list(copies.values_list("quarantine_status", flat=True)) == right
        assert run("verify_quarantine").code == 0


def test_the_daily_clean_up_mends_copies_too() -> None:
    addresses.attach(Profile.objects.create(), "email", ANN)
    fail(timezone.now(), reason="complaint")
    Address.objects.update(quarantine_status="erroneous")
    quarantine.clean_up()
    assert Address.objects.get().quarantine_status == "denylisted"


@pytest.mark.parametrize(
    ("stored", "is_mended"),
    [("valid", True), ("erroneous", True), ("quarantine", True), ("denylisted", False)],
)
def test_mending_never_lowers_the_status_of_an_entry(
    run: Callable[..., Any], stored: str, is_mended: bool
) -> None:
    fail(timezone.now() - HOUR)
    QuarantineEntry.objects.update(status=stored, reason="operator")
    done = run("verify_quarantine", "--mend", "--json")
    assert done.code == (0 if is_mended else 1)
    said = json.loads(done.out)
    assert (said["consistent"], len(said["mended"])) == (is_mended, is_mended)
    assert status_of() == ("quarantine" if is_mended else stored)


def test_mending_makes_an_entry_that_is_missing(run: Callable[..., Any]) -> None:
    fail(datetime(2026, 5, 1, tzinfo=UTC))
    QuarantineEntry.objects.all().delete()
    assert run("verify_quarantine", "--mend").code == 0
    assert status_of() == "quarantine"
