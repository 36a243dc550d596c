"""Notifications reach a browser: a push service here takes them and decrypts them."""

import base64
import json
import os
from dataclasses import replace
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.checks import run_checks
from py_vapid import Vapid

from delivery.transports import Kind, NoTransport, Outgoing, Uncertain, transport_for

from .http_server import CUT, Provider

PUSH = Outgoing(7, "", '{"title":"Spring","text":"é 李","link":"https://x.example"}')


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """What a browser keeps of a subscription, and reads with it."""

    def __init__(self, endpoint: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = os.urandom(16)
        point = self.key.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        keys = {"p256dh": text_of(point), "auth": text_of(self.secret)}
        self.address = json.dumps(
            {"endpoint": endpoint, "keys": keys}, separators=(",", ":")
        )

    def read(self, body: bytes) -> str:
        read = http_ece.decrypt(
            body, private_key=self.key, auth_secret=self.secret, version="aes128gcm"
        )
        return bytes(read).decode()


@pytest.fixture(scope="module")
def vapid() -> Vapid:
    made = Vapid()
    made.generate_keys()
    return made


@pytest.fixture
def service(settings: Any, provider: Provider, vapid: Vapid) -> Provider:
    number = vapid.private_key.private_numbers().private_value
    settings.VAPID_PRIVATE_KEY = text_of(number.to_bytes(32, "big"))
    settings.VAPID_CONTACT = "mailto:push@example.org"
    settings.ENDPOINTS_ALLOW_PRIVATE = True
    provider.says = [(201, "")]
    provider.headers = {"Location": f"{provider.url}/message/9"}
    return provider


def test_a_browser_reads_what_was_sent(service: Provider) -> None:
    browser = Browser(f"{service.url}/push/abc")
    transport = transport_for("push")
    result = transport.hand_over(replace(PUSH, address=browser.address))
    transport.close()
    assert result.kind == Kind.TAKEN
    assert result.provider_id == f"{service.url}/message/9"
    [call] = service.calls
    assert call.path == "/push/abc"
    assert call.headers["ttl"] == "86400"
    assert browser.read(call.body) == PUSH.body


def test_the_service_is_told_who_we_are(service: Provider, vapid: Vapid) -> None:
    browser = Browser(f"{service.url}/push/abc")
    transport_for("push").hand_over(replace(PUSH, address=browser.address))
    given = service.calls[0].headers["authorization"]
    assert given.startswith("vapid t=")
    assert Vapid.verify(given)
    claims = json.loads(bytes_of(given.removeprefix("vapid t=").split(".")[1]))
    assert claims["aud"] == service.url
    assert claims["sub"] == "mailto:push@example.org"


ANSWERS = [
    (201, Kind.TAKEN),
    (202, Kind.TAKEN),
    (400, Kind.REFUSED),
    (403, Kind.LATER),
    (404, Kind.REFUSED),
    (410, Kind.REFUSED),
    (413, Kind.REFUSED),
    (429, Kind.LATER),
    (503, Kind.LATER),
    (500, None),
    (CUT, None),
]


@pytest.mark.parametrize(("status", "kind"), ANSWERS)
def test_an_answer_of_a_push_service_is_understood(
    service: Provider, status: int, kind: Kind | None
) -> None:
    service.says = [(status, "words")]
    message = replace(PUSH, address=Browser(f"{service.url}/x").address)
    if kind is None:
        with pytest.raises(Uncertain):
            transport_for("push").hand_over(message)
    else:
        assert transport_for("push").hand_over(message).kind == kind
    assert len(service.calls) == 1


BAD = [
    "Token1",
    "[]",
    '{"endpoint":5}',
    '{"endpoint":"https://x.example"}',
    '{"endpoint":"https://x.example","keys":{"p256dh":"x","auth":"y"}}',
    '{"endpoint":"https://x.example","keys":5}',
]


@pytest.mark.parametrize("address", BAD)
def test_what_is_no_subscription_is_refused(service: Provider, address: str) -> None:
    result = transport_for("push").hand_over(replace(PUSH, address=address))
    assert result.kind == Kind.REFUSED
    assert "not a push subscription" in result.text


PRIVATE = [
    ("https://127.0.0.1/x", "not on the internet"),
    ("https://localhost/x", "not on the internet"),
    ("https://169.254.169.254/latest", "not on the internet"),
    ("https://[::1]/x", "not on the internet"),
    ("http://8.8.8.8/x", "not https"),
    ("file:///etc/passwd", "not https"),
]


@pytest.mark.parametrize(("endpoint", "said"), PRIVATE)
def test_an_endpoint_cannot_make_us_call_our_own_network(
    service: Provider, settings: Any, endpoint: str, said: str
) -> None:
    settings.ENDPOINTS_ALLOW_PRIVATE = False
    message = replace(PUSH, address=Browser(endpoint).address)
    result = transport_for("push").hand_over(message)
    assert result.kind == Kind.REFUSED
    assert said in result.text


def test_a_service_that_is_not_there_means_later(
    service: Provider, nowhere: str
) -> None:
    message = replace(PUSH, address=Browser(f"{nowhere}/x").address)
    assert transport_for("push").hand_over(message).kind == Kind.LATER


def test_what_is_too_long_is_refused(service: Provider) -> None:
    browser = Browser(f"{service.url}/x")
    transport = transport_for("push")
    fits = replace(PUSH, address=browser.address, body="x" * 3_993)
    assert transport.hand_over(fits).kind == Kind.TAKEN
    assert transport.hand_over(replace(fits, body="x" * 3_994)).kind == Kind.REFUSED
    assert len(service.calls) == 1
    assert len(service.calls[0].body) <= 4_096


def test_without_keys_there_is_no_push(settings: Any) -> None:
    settings.VAPID_PRIVATE_KEY = ""
    with pytest.raises(NoTransport, match="VAPID_PRIVATE_KEY"):
        transport_for("push")


@pytest.mark.parametrize(
    ("name", "value"), [("VAPID_PRIVATE_KEY", "no key"), ("VAPID_CONTACT", "me")]
)
def test_a_wrong_setting_is_found_at_the_start(
    service: Provider, settings: Any, name: str, value: str
) -> None:
    assert "campaign.E025" not in [check.id for check in run_checks()]
    setattr(settings, name, value)
    assert "campaign.E025" in [check.id for check in run_checks()]
