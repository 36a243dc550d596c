"""What providers of text messages report: each code as an event."""

import csv
from pathlib import Path

import pytest
from django.test import override_settings

from audiences import addresses
from delivery.feedback.events import FeedbackEvent
from delivery.feedback.text_messages.reports import (
    CODES,
    event_of,
    find_code,
    read_receipt,
)

DATA = Path(__file__).resolve().parents[1] / "data" / "sms"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def event(codes: str, status: str, error: str = "") -> FeedbackEvent | None:
    return event_of(
        codes=codes, status=status, error=error, address="+31612345678", source="x"
    )


# What the list's actions come to by the rules of quarantine (Q3).
ACTIONS = {
    "quarantine_number": ("failed", "hard"),
    "count": ("failed", "soft"),
    "by err code": ("failed", "soft"),
    "opt_out_sms": ("stop", "ignored"),
    "clear_soft_count": ("delivered", "ignored"),
}


@pytest.mark.parametrize(
    "row", rows("dlr_map"), ids=lambda row: f"{row['provider']} {row['code']}"
)
def test_every_code_of_the_list_does_what_it_says(row: dict[str, str]) -> None:
    provider, code = row["provider"], row["code"]
    found = (
        event(provider, "undelivered", code)
        if provider in ("twilio", "gsm-map")
        else event(provider, code)
    )
    if row["action"] in ACTIONS:
        assert found is not None
        assert (found.kind, found.type) == ACTIONS[row["action"]]
    else:  # nothing counts against the number
        assert found is None or found.kind in ("failed", "delayed")
        assert found is None or found.type == "ignored"


@pytest.mark.parametrize(
    ("codes", "status", "error", "kind", "type", "reason"),
    [
        ("twilio", "delivered", "", "delivered", "ignored", "not_defined"),
        ("twilio", "read", "", "delivered", "ignored", "not_defined"),
        ("twilio", "undelivered", "30003", "failed", "soft", "unreachable"),
        ("twilio", "failed", "", "failed", "ignored", "not_defined"),
        ("twilio", "failed", "99999", "failed", "ignored", "not_defined"),
        ("twilio", "something new", "", "failed", "ignored", "not_defined"),
        ("smpp", "UNDELIV", "001", "failed", "hard", "user_unknown"),
        ("smpp", "UNDELIV", "32", "failed", "soft", "mailbox_full"),
        ("smpp", "UNDELIV", "000", "failed", "soft", "unreachable"),
        ("smpp", "DELIVRD", "001", "delivered", "ignored", "not_defined"),
        ("smpp", "delivrd", "", "delivered", "ignored", "not_defined"),
        ("smpp-status", "0xb", "", "failed", "hard", "user_unknown"),
        ("vonage", "delivered", "0", "delivered", "ignored", "not_defined"),
        ("vonage", "failed", "9", "stop", "ignored", "stop"),
        ("vonage", "failed", "3", "failed", "hard", "user_unknown"),
    ],
)
def test_status_and_error_are_read_together(
    codes: str, status: str, error: str, kind: str, type: str, reason: str
) -> None:
    found = event(codes, status, error)
    assert found is not None
    assert (found.kind, found.type, found.reason) == (kind, type, reason)


@pytest.mark.parametrize("status", ["queued", "sending", "sent", "accepted", "ENROUTE"])
def test_a_message_on_its_way_is_no_event(status: str) -> None:
    assert event("twilio", status) is None


def test_a_receipt_is_taken_apart() -> None:
    text = (
        "id:7f3 sub:001 dlvrd:000 submit date:2611201000 done date:2611201001 "
        "stat:UNDELIV err:001 text:stat:DELIVRD"
    )
    assert read_receipt(text) == {"id": "7f3", "stat": "UNDELIV", "err": "001"}


def test_every_row_of_the_table_can_be_found() -> None:
    for (codes, code), row in CODES.items():
        assert find_code(codes, "undelivered", code) is row or row.code.isalpha()


@pytest.mark.parametrize(
    "row", rows("phone_cases"), ids=lambda row: row["input"] or "-"
)
def test_numbers_are_read_as_the_cases_say(row: dict[str, str]) -> None:
    with override_settings(PHONE_REGION=row["default_region"]):
        if row["is_valid"] == "1":
            assert addresses.normalise("sms", row["input"]).key == row["e164"]
        else:
            with pytest.raises(addresses.InvalidAddress):
                addresses.normalise("sms", row["input"])
