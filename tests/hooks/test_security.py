"""No hook believes a stranger, and none loses anything: the same cases for each."""

import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client, override_settings

from audiences.models import Profile
from delivery.models import HookCount, InboundItem, UsedHookToken

from . import calls, sns_topic
from .calls import Call

pytestmark = pytest.mark.django_db
BOUNCE = {
    "RecordType": "Bounce",
    "Type": "HardBounce",
    "Email": "a@example.org",
    "ID": 1,
}
SMS = {"id": "1", "from": "+31612345678", "to": "1008", "text": "STOP"}
REPORT = {"id": "1", "to": "+31612345678", "status": "DELIVRD", "message_id": "m1"}
MAILGUN = {
    "id": "e1",
    "event": "failed",
    "severity": "permanent",
    "recipient": "a@b.org",
    "timestamp": 1.0,
}
SENDGRID = [{"event": "bounce", "email": "a@b.org", "timestamp": 1, "sg_event_id": "1"}]
RESEND = {
    "type": "email.bounced",
    "created_at": "2026-11-20T10:00:00Z",
    "data": {
        "email_id": "1",
        "to": ["a@b.org"],
        "bounce": {"message": "x", "type": "Permanent"},
    },
}

HOOKS: dict[str, Callable[[], Call]] = {
    "twilio inbound": lambda: calls.text_message("STOP", sid="SM1"),
    "twilio status": lambda: calls.twilio(
        {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+31612345678"},
        "status",
    ),
    "sms inbound": lambda: calls.generic("inbound", SMS),
    "sms status": lambda: calls.generic("status", REPORT),
    "postmark": lambda: calls.by_password("postmark", BOUNCE),
    "brevo": lambda: calls.by_password(
        "brevo", {"event": "hard_bounce", "email": "a@b.org"}
    ),
    "mailjet": lambda: calls.by_password(
        "mailjet", {"event": "bounce", "email": "a@b.org"}
    ),
    "sparkpost": lambda: calls.by_password("sparkpost", []),
    "mailgun": lambda: calls.mailgun(MAILGUN),
    "sendgrid": lambda: calls.sendgrid(SENDGRID),
    "resend": lambda: calls.resend(RESEND),
    "amazon_ses": lambda: sns_topic.notification({"eventType": "Send", "mail": {}}),
}
# Where the time of the call is signed, and can be too old.
TIMED: dict[str, Callable[[float], Call]] = {
    "sms inbound": lambda at: calls.generic("inbound", SMS, at=at),
    "sms status": lambda at: calls.generic("status", REPORT, at=at),
    "mailgun": lambda at: calls.mailgun(MAILGUN, at=at),
    "sendgrid": lambda at: calls.sendgrid(SENDGRID, at=at),
    "resend": lambda at: calls.resend(RESEND, at=at),
}
SIGNED_BODIES = [
    "twilio inbound",
    "twilio status",
    "sms inbound",
    "sms status",
    "sendgrid",
    "resend",
]
SETTINGS = [name for name, value in calls.SECRETS.items() if isinstance(value, list)]

each_hook = pytest.mark.parametrize("name", HOOKS)


@pytest.fixture(autouse=True)
def _amazon(monkeypatch: pytest.MonkeyPatch) -> None:
    sns_topic.serve(monkeypatch)


def refusals() -> dict[str, int]:
    return dict(
        HookCount.objects.exclude(outcome="accepted").values_list("outcome", "count")
    )


def nothing_was_kept() -> bool:
    return not (InboundItem.objects.exists() or UsedHookToken.objects.exists())


@each_hook
def test_a_right_call_is_taken_and_kept(name: str) -> None:
    response = HOOKS[name]().post()
    assert response.status_code in (200, 204)
    item = InboundItem.objects.get()
    assert item.is_verified
    assert HOOKS[name]().body[:5] in bytes(item.raw)
    assert not response.cookies


@each_hook
def test_a_call_without_a_signature_is_refused_and_counted(name: str) -> None:
    call = HOOKS[name]()
    if name == "mailgun":
        call.body = json.dumps({"event-data": MAILGUN}).encode()
    if name == "amazon_ses":
        call = sns_topic.notification({}, Signature="")
    call.headers = {}
    assert call.post().status_code == 403
    assert nothing_was_kept()
    assert refusals() == {"no_signature": 1}


@each_hook
def test_a_wrong_signature_is_refused_and_counted(name: str) -> None:
    call = HOOKS[name]()
    call.headers = {
        key: value[:-4] + ("AAAA" if value[-4:] != "AAAA" else "BBBB")
        if "ignature" in key or key == "Authorization"
        else value
        for key, value in call.headers.items()
    }
    if name == "mailgun":
        call.body = call.body.replace(b'"signature": "', b'"signature": "00')
    if name == "amazon_ses":
        call = sns_topic.notification({}, Signature="QUJD")
    assert call.post().status_code == 403
    assert nothing_was_kept()
    assert refusals() == {"wrong_signature": 1}


@pytest.mark.parametrize("name", SIGNED_BODIES)
def test_another_body_under_the_same_signature_is_refused(name: str) -> None:
    call = HOOKS[name]()
    call.body = call.body.replace(b"STOP", b"START").replace(b"1", b"2")
    assert call.post().status_code == 403
    assert nothing_was_kept()


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("seconds", [-301, 310])
def test_a_call_that_is_too_old_or_of_the_future_is_refused(
    name: str, seconds: int
) -> None:
    assert TIMED[name](time.time() + seconds).post().status_code == 403
    assert nothing_was_kept()
    assert refusals() == {"outdated": 1}


@each_hook
def test_a_replayed_call_changes_nothing(name: str) -> None:
    call = HOOKS[name]()
    for _time in range(3):
        assert call.post().status_code in (200, 204)
    assert InboundItem.objects.count() == 1
    assert HookCount.objects.get(outcome="repeated").count == 2


@each_hook
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_only_a_post_does_anything(name: str, method: str) -> None:
    call = HOOKS[name]()
    response = Client().generic(
        method, call.path, call.body, call.content_type, headers=call.headers
    )
    assert response.status_code == 405
    assert nothing_was_kept()
    assert not HookCount.objects.exists()


@each_hook
def test_a_huge_body_is_refused_before_it_is_read(name: str) -> None:
    call = dataclasses.replace(HOOKS[name](), body=b"x" * 2_500_000)
    assert call.post().status_code == 413
    assert nothing_was_kept()
    assert refusals() == {"too_large": 1}


@each_hook
@override_settings(**{name: [] for name in SETTINGS})
def test_without_a_secret_there_is_no_hook(name: str) -> None:
    assert HOOKS[name]().post().status_code == 404
    assert nothing_was_kept()


@each_hook
@override_settings(**{name: [""] for name in SETTINGS})
def test_an_empty_secret_lets_nobody_in(name: str) -> None:
    assert HOOKS[name]().post().status_code == 403
    assert nothing_was_kept()


@each_hook
def test_without_the_database_the_provider_is_asked_to_repeat(name: str) -> None:
    def away(*_args: Any) -> None:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(away):
        response = HOOKS[name]().call()
    assert response.status_code == 503
    assert HOOKS[name]().post().status_code in (200, 204)
    assert InboundItem.objects.count() == 1


@each_hook
def test_hooks_need_no_csrf_token_and_set_no_cookie(name: str) -> None:
    response = HOOKS[name]().post(Client(enforce_csrf_checks=True))
    assert response.status_code in (200, 204)
    assert not response.cookies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\x00\x00",
        b"\xff\xfe",
        b'{"a":"\\u0000"}',
        b"[" * 50_000,
        b'{"id": {"id": {}}}',
        b'"text"',
    ],
    ids=lambda body: repr(body[:8]),
)
@pytest.mark.parametrize("place", ["inbound", "status"])
def test_a_broken_body_with_a_right_signature_waits_for_a_human(
    body: bytes, place: str
) -> None:
    assert calls.generic(place, body).post().status_code == 200
    assert InboundItem.objects.get().state == "unreadable"
    assert HookCount.objects.get(outcome="unreadable").count == 1


@pytest.mark.parametrize("provider", ["postmark", "brevo", "mailjet", "sparkpost"])
@pytest.mark.parametrize("body", [b"{", b"[]]", b"\xff", b"7", b"[" * 50_000])
def test_a_broken_report_of_a_provider_waits_for_a_human(
    provider: str, body: bytes
) -> None:
    assert calls.by_password(provider, body).post().status_code == 200
    assert InboundItem.objects.get().state == "unreadable"


def test_nul_characters_are_kept_out_of_the_texts() -> None:
    calls.text_message("STOP\0", "+31612345678").post()
    calls.generic("inbound", {**SMS, "text": "the\0end\0 of it"}).post()
    assert set(InboundItem.objects.values_list("state", flat=True)) == {
        "applied",
        "held",
    }


def test_tokens_of_before_count_while_a_secret_is_changed() -> None:
    with override_settings(TWILIO_AUTH_TOKENS=["new", calls.TWILIO_TOKEN]):
        assert calls.text_message("STOP").post().status_code == 200
    with override_settings(TWILIO_AUTH_TOKENS=["new"]):
        assert calls.text_message("STOP").post().status_code == 403


def test_a_token_of_mailgun_with_another_content_is_refused() -> None:
    first = calls.mailgun(MAILGUN)
    assert first.post().status_code == 200
    other = json.loads(first.body)
    other["event-data"]["recipient"] = "victim@example.org"
    first.body = json.dumps(other).encode()
    assert first.post().status_code == 403
    assert refusals() == {"replayed": 1}
    assert InboundItem.objects.count() == 1


def test_forged_reports_change_no_profile() -> None:
    for make in HOOKS.values():
        call = make()
        call.headers = {}
        call.post()
    assert not Profile.objects.exists()
    assert InboundItem.objects.count() <= 2  # those that are signed in their body


@pytest.mark.parametrize("named", [True, False], ids=["named", "as before"])
@pytest.mark.parametrize(
    ("made_for", "content"),
    [("inbound", SMS), ("status", REPORT)],
    ids=["text", "report"],
)
def test_a_call_that_was_signed_for_one_sms_hook_is_refused_by_the_other(
    made_for: str, content: dict[str, str], named: bool
) -> None:
    call = calls.generic(made_for, content, named=named)
    assert call.post().status_code == 200
    taken = InboundItem.objects.count()
    other = "status" if made_for == "inbound" else "inbound"
    call.path = f"/hooks/sms/{other}"
    assert call.post().status_code == 403
    assert InboundItem.objects.count() == taken


def test_a_report_that_quotes_a_text_message_is_for_its_own_hook_alone() -> None:
    both = {**SMS, **REPORT, "text": "STOP"}
    assert calls.generic("inbound", both, named=False).post().status_code == 403
    assert calls.generic("status", both, named=False).post().status_code == 200
