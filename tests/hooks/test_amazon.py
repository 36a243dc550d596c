"""Amazon SNS: whose topic, whose certificate, whose signature."""

from typing import Any

import pytest

from delivery.hooks import sns
from delivery.models import HookCount, InboundItem

from . import sns_topic
from .calls import TOPIC

pytestmark = pytest.mark.django_db
SENT = {"eventType": "Send", "mail": {}}


def outcome() -> str:
    return HookCount.objects.get().outcome


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_signed_notification_is_taken(
    monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    fetched = sns_topic.serve(monkeypatch)
    assert sns_topic.notification(SENT, version).post().status_code == 200
    assert fetched == [sns_topic.CERTIFICATE_URL]


def test_the_certificate_is_fetched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = sns_topic.serve(monkeypatch)
    for number in range(3):
        call = sns_topic.notification({**SENT, "n": number})
        assert call.post().status_code == 200
    assert len(fetched) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-01234567.pem",
        "https://evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-01234567.pem",
        "https://evil.example#sns.eu-west-1.amazonaws.com/SimpleNotificationService-01234567.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.evil.amazonaws.com.x/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-01234567.pem",
        "https://sns.eu-west-1.amazonaws.com/other.pem",
        "https://sns.eu-west-1.amazonaws.com/a/../SimpleNotificationService-01234567.pem",
        "https://SNS.eu-west-1.amazonaws.com/SimpleNotificationService-01234567.pem",
        "https://sns.eu-west-1.amazonaws.com./SimpleNotificationService-01234567.pem",
        "//sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://[::1/SimpleNotificationService-0123456789abcdef.pem",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_fetched(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    fetched = sns_topic.serve(monkeypatch)
    call = sns_topic.notification(SENT, SigningCertURL=url)
    assert call.post().status_code == 403
    assert fetched == []
    assert outcome() == "wrong_signature"


@pytest.mark.parametrize(
    "topic",
    [
        TOPIC[:-1],
        TOPIC + "2",
        "arn:aws:sns:eu-west-1:999999999999:campaign-feedback",
        "",
    ],
)
def test_a_topic_that_is_not_ours_is_refused_and_fetches_nothing(
    monkeypatch: pytest.MonkeyPatch, topic: str
) -> None:
    fetched = sns_topic.serve(monkeypatch)
    assert sns_topic.notification(SENT, TopicArn=topic).post().status_code == 403
    assert (fetched, outcome()) == ([], "wrong_topic")


@pytest.mark.parametrize(
    "changed",
    [
        {"Message": "{}"},
        {"MessageId": "other"},
        {"Timestamp": "2026-11-20T10:00:01.000Z"},
        {"Type": "UnsubscribeConfirmation"},
        {"Type": "Other"},
        {"SignatureVersion": "3"},
        {"SignatureVersion": "1"},
        {"Signature": "%%%"},
        {"Subject": "added"},
    ],
    ids=str,
)
def test_whatever_was_changed_after_signing_is_refused(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str]
) -> None:
    sns_topic.serve(monkeypatch)
    assert sns_topic.notification(SENT, **changed).post().status_code == 403
    assert not InboundItem.objects.exists()


def test_an_expired_certificate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sns_topic.serve(monkeypatch, days=-1)
    assert sns_topic.notification(SENT).post().status_code == 403
    assert outcome() == "outdated"


def test_a_subscription_of_our_topic_is_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetched = sns_topic.serve(monkeypatch)
    assert sns_topic.confirmation().post().status_code == 200
    assert fetched[1:] == [
        "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
    ]


def test_a_subscription_of_another_topic_is_not_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetched = sns_topic.serve(monkeypatch)
    call = sns_topic.confirmation("arn:aws:sns:eu-west-1:999999999999:theirs")
    assert call.post().status_code == 403
    assert fetched == []


@pytest.mark.parametrize("host", ["evil.example", "sns.us-east-1.amazonaws.com"])
def test_a_confirmation_goes_to_the_region_of_the_topic_alone(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    fetched = sns_topic.serve(monkeypatch)
    fields = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "1",
        "TopicArn": TOPIC,
        "Message": "x",
        "SubscribeURL": f"https://{host}/?Action=ConfirmSubscription",
        "Token": "abc",
        "Timestamp": "2026-11-20T10:00:00.000Z",
        "SignatureVersion": "2",
        "SigningCertURL": sns_topic.CERTIFICATE_URL,
    }
    assert sns_topic.signed(fields).post().status_code == 403
    assert fetched == [sns_topic.CERTIFICATE_URL]


def test_a_certificate_that_cannot_be_fetched_asks_for_a_repetition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(url: str) -> bytes:
        raise OSError("no route to host")

    sns_topic.serve(monkeypatch)
    monkeypatch.setattr(sns, "fetch", away)
    assert sns_topic.notification(SENT).post().status_code == 503
    assert not InboundItem.objects.exists()


@pytest.mark.parametrize("error", [OSError("no route"), None], ids=["away", "rubbish"])
def test_a_certificate_is_not_fetched_in_vain_again_for_a_while(
    monkeypatch: pytest.MonkeyPatch, error: OSError | None
) -> None:
    fetched, clock = [], [1000.0]

    def fails(url: str) -> bytes:
        fetched.append(url)
        if error:
            raise error
        return b"<html>"

    working = sns_topic.serve(monkeypatch)
    answers = sns.fetch
    monkeypatch.setattr(sns, "fetch", fails)
    monkeypatch.setattr(sns.time, "monotonic", lambda: clock[0])
    for _call in range(5):
        status = sns_topic.notification(SENT).post().status_code
        assert status == (503 if error else 403)
    assert len(fetched) == 1
    clock[0] += 61
    assert sns_topic.notification(SENT).post().status_code != 200
    assert len(fetched) == 2
    clock[0] += 61
    monkeypatch.setattr(sns, "fetch", answers)
    assert sns_topic.notification(SENT).post().status_code == 200
    assert len(working) == 1


def test_what_is_served_instead_of_a_certificate_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def rubbish(url: str) -> Any:
        return b"<html>"

    sns_topic.serve(monkeypatch)
    monkeypatch.setattr(sns, "fetch", rubbish)
    assert sns_topic.notification(SENT).post().status_code == 403
