"""Tokens that were mailed years ago are read for ever, wherever the code has moved.

With a key of before they stop messages and do nothing else (decision 0028).

Each literal was signed once, on 28 November 2026, with the key below. None of them is
ever made anew: one that no longer reads is a link in somebody's mailbox that is dead.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from audiences import links
from audiences.links import BadLink, Confirmation, Link, Undo, web_addresses
from audiences.models import LandingPageVersion, RequestCount, SignupRequest
from audiences.outbox import caps
from audiences.signups import proof_of_work, requesting
from delivery.feedback import return_path

KEY = "the key with which the frozen tokens were signed, 2026"
SIGNED_AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
OPT_OUT = "WzcsImUiLDMsMTJd.1xXH60.-a5_BdwpDzenR6pbEM68d_8q4lWUk3o0ABnmMpdbrgw"
PAGE = (
    "WzcsInMiLDAsMTIsInN0b3AiLCJkZW55bGlzdCJd.1xXH60"
    ".R50cb2RhKWaCpBIcPmhW6T1kXuUJVJJe6Fhrm6DWsQw"
)
UNDO = "WzcsWzEwMSwxMDJdLDFd.1xXH60.9S_7B6KKPuUpVewhnaJqoADgIwjfLd75iqh9PYrCCXQ"
SUBSCRIPTION = "WzcsMywxMDFd.1xXH60.qM3mZm-yiQFMCOmmpkjW49NwvKkCiEA1O1NarrvQ8tM"
MAIL = "7.e.3.c.tnruokrmqz7cs5t6l2qqhzd5bi"
SIGNUP = "WzVd.UCcgpcGwcUNthrhipCzo7G8D7swYBEYD1G8bqoVqWz4"
RETURN_PATH = "c.7.vvcyqde6k3673k7fjrx3jvkaam"
# Its challenge counts for two hundred years.
PROOF = (
    "eyJjaGFsbGVuZ2UiOiB7InBhcmFtZXRlcnMiOiB7ImFsZ29yaXRobSI6ICJQQktERjIvU0hBLTI1NiIs"
    "ICJjb3N0IjogNTAwMCwgImtleUxlbmd0aCI6IDMyLCAia2V5UHJlZml4IjogIjVlYWY3NDgzYjczZDQ0"
    "NzEzOTdjNTJiODFiMzg0MmE0IiwgIm5vbmNlIjogIjk4ZDIyZWE5ZTViNzliMTBiNWE4YzM1MzRmODg5"
    "MzVkIiwgInNhbHQiOiAiN2I2ZGE0N2ZjZjk5OTc2YTdkM2RjMDk2ZWVkYzdlMzQiLCAia2V5U2lnbmF0"
    "dXJlIjogIjEyMWViYzMwNmUyMDdjNTI2ZWJlMDMwNDY3Mzg2MWUzN2VjZTM2NTc4N2ZhMDU5NmY5NWY2"
    "OTc5MDc0ZDFlZjciLCAiZXhwaXJlc0F0IjogODEwMzA2NzIwMH0sICJzaWduYXR1cmUiOiAiNWQ0MTFm"
    "NDdiODQ3ODZlNTQzNTAyYzdmNWUwYmQ3ZjU2ODdhOTRhZjgzZTI0YzNjMWVlMzc4OTA2NDU0ZjZmZCJ9"
    "LCAic29sdXRpb24iOiB7ImNvdW50ZXIiOiAxLCAiZGVyaXZlZEtleSI6ICI1ZWFmNzQ4M2I3M2Q0NDcx"
    "Mzk3YzUyYjgxYjM4NDJhNGI0OGYwNTg3MTM3YWNhYTM5ZmVlZGU3MWRiMzcyMDJiIiwgInRpbWUiOiAy"
    "LjQyMjM4Mzk5OTk5OTA1Nn19"
)
CAP_OF_ADDRESS = "6a972b552250396ab8a983dba145d8bb93435b59e0557f69ed70db8ffbaa1798"


KEYS = [
    "the key",
    "a key of before",
    "the key of before, of links",
    "sessions have it still",
]


@pytest.fixture(autouse=True, params=KEYS)
def key(request: pytest.FixtureRequest, settings: Any) -> str:
    """The key that signed them is in use, or another one has taken its place since."""
    settings.LINK_KEYS = []
    settings.SECRET_KEY = KEY
    settings.SECRET_KEY_FALLBACKS = []
    if request.param == "a key of before":
        settings.SECRET_KEY = ANOTHER
        settings.SECRET_KEY_FALLBACKS = [KEY]
    elif request.param == "the key of before, of links":
        settings.LINK_KEYS = [ANOTHER, KEY]
        settings.SECRET_KEY = ANOTHER
    elif request.param == "sessions have it still":
        settings.LINK_KEYS = [ANOTHER]
    return str(request.param)


ANOTHER = "another key, longer than fifty characters, by far so"


def only_stops(key: str) -> bool:
    return key != "the key"


def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_addresses.time, "time", SIGNED_AT.timestamp)


def test_one_click_link() -> None:
    assert links.read_opt_out_token(OPT_OUT) == Link(7, "email", 3, 12)


def test_link_of_a_landing_page(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    soon(monkeypatch)
    link = links.read_page_token(PAGE, "stop")
    assert link.is_fresh == link.is_strong == (not only_stops(key))
    assert (link.sent_on, link.sent_to) == ("", ""), "so it starts nothing"
    assert (link.profile_id, link.channel, link.delivery_id) == (7, "sms", 12)
    assert (link.page, link.kind) == ("stop", "denylist")
    assert link.signed_at == SIGNED_AT.timestamp()


def test_undo(key: str) -> None:
    if only_stops(key):
        with pytest.raises(BadLink):
            links.read_undo_token(UNDO)
        return
    assert links.read_undo_token(UNDO) == Undo(7, (101, 102), stopped_address=True)


def test_confirmation_of_a_subscription(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon(monkeypatch)
    if only_stops(key):
        with pytest.raises(BadLink):
            links.read_confirmation_token(SUBSCRIPTION)
        return
    assert links.read_confirmation_token(SUBSCRIPTION) == Confirmation(7, 3, 101)


def test_address_that_unsubscribes() -> None:
    assert links.read_mail_token(MAIL) == Link(7, "email", 3, 12)
    assert links.read_mail_token(MAIL.upper()) == Link(7, "email", 3, 12)


@pytest.mark.django_db
def test_confirmation_of_a_signup(key: str) -> None:
    version = LandingPageVersion.objects.create(
        page_slug="join", number=1, content={}, published_at=SIGNED_AT
    )
    SignupRequest.objects.create(
        pk=5,
        version=version,
        key="reader@example.org",
        language="en",
        expires_at=datetime(2200, 1, 1, tzinfo=UTC),
    )
    if only_stops(key):
        with pytest.raises(BadLink):
            requesting.read_confirmation(SIGNUP)
        return
    assert requesting.read_confirmation(SIGNUP).pk == 5


def test_return_path() -> None:
    assert return_path.read(f"bounces+{RETURN_PATH}@example.org") == (12, 7)


@pytest.mark.django_db
def test_proof_of_work() -> None:
    proof_of_work.accept(PROOF)


@pytest.mark.django_db
def test_caps_count_on_after_an_update(settings: Any) -> None:
    """The counters hold keyed hashes: another salt would forget today's requests."""
    settings.SECRET_KEY, settings.LINK_KEYS = KEY, []
    caps.allow_address("reader@example.org")
    assert RequestCount.objects.get().subject == CAP_OF_ADDRESS
