"""Signatures: those of Twilio that are published, and what each function refuses."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.test import Client, override_settings

from delivery.hooks.gate import HookRefused
from delivery.hooks.signatures import (
    is_basic_auth,
    is_signed_by,
    is_signed_by_svix,
    require_fresh,
    shared_signature,
)
from delivery.hooks.twilio import is_from_twilio, spellings, twilio_signature
from delivery.models import InboundItem

FILE = Path(__file__).resolve().parents[1] / "data" / "sms"
VECTORS = json.loads((FILE / "twilio_signature_vectors.json").read_text("utf-8"))
each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])


@each_vector
def test_signature_of_twilio_is_judged_as_the_vectors_say(
    vector: dict[str, Any],
) -> None:
    params = {name: [value] for name, value in vector.get("params", {}).items()}
    body = vector.get("body", "").encode()
    assert vector["expect_valid"] == is_from_twilio(
        [vector["url"]], params, body, vector["signature"], [vector["auth_token"]]
    )


@pytest.mark.django_db
@each_vector
@pytest.mark.parametrize("behind_proxy", [True, False])
def test_the_hook_judges_the_vectors_alike(
    vector: dict[str, Any], behind_proxy: bool
) -> None:
    parts = urlsplit(vector["url"])
    if not parts.path.startswith("/hooks/"):
        pytest.skip("another address")
    is_form = "params" in vector
    body = urlencode(vector["params"]).encode() if is_form else vector["body"].encode()
    base = (
        f"{parts.scheme}://{parts.hostname}"
        if behind_proxy
        else "https://other.example"
    )
    with override_settings(
        BASE_URL=base, TWILIO_AUTH_TOKENS=["x", vector["auth_token"]]
    ):
        response = Client().generic(
            "POST",
            parts.path + (f"?{parts.query}" if parts.query else ""),
            body,
            "application/x-www-form-urlencoded" if is_form else "application/json",
            headers={
                "X-Twilio-Signature": vector["signature"],
                "Host": "127.0.0.1:8000" if behind_proxy else parts.netloc,
            },
        )
    assert (response.status_code == 200) == vector["expect_valid"]
    assert InboundItem.objects.exists() == vector["expect_valid"]


def test_a_body_that_is_signed_by_its_digest_must_have_it() -> None:
    body = b'{"a":1}'
    digest = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    url = f"https://example.org/hooks/twilio/inbound?bodySHA256={digest}"
    signature = twilio_signature(url, {}, "12345")
    assert is_from_twilio([url], {}, body, signature, ["12345"])
    assert not is_from_twilio([url], {}, body + b" ", signature, ["12345"])
    twice = f"{url}&bodySHA256={digest}"
    signature = twilio_signature(twice, {}, "12345")
    assert not is_from_twilio([twice], {}, body, signature, ["12345"])


def test_an_empty_token_signs_nothing() -> None:
    signature = twilio_signature("https://e.org/", {}, "")
    assert not is_from_twilio(["https://e.org/"], {}, b"", signature, [""])
    assert not is_signed_by("1", b"", shared_signature("1", b"", ""), [""])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://e.org/a", ["https://e.org/a", "https://e.org:443/a"]),
        ("https://e.org:443/a", ["https://e.org/a", "https://e.org:443/a"]),
        ("http://e.org/a?b=1", ["http://e.org/a?b=1", "http://e.org:80/a?b=1"]),
        ("https://e.org:8443/a", ["https://e.org:8443/a"]),
        ("http://[::1]/a", ["http://[::1]/a", "http://[::1]:80/a"]),
    ],
)
def test_the_usual_port_may_be_said_or_not(url: str, expected: list[str]) -> None:
    assert spellings(url) == expected


@pytest.mark.parametrize(
    ("text", "is_fresh"),
    [
        ("1000", True),
        ("700", True),
        ("1300", True),
        ("699", False),
        ("1301", False),
        ("", False),
        ("-1", False),
        ("1e3", False),
        ("١٠٠٠", False),
        ("9" * 40, False),
    ],
)
def test_a_call_is_fresh_for_five_minutes(text: str, is_fresh: bool) -> None:
    now = datetime.fromtimestamp(1000, UTC)
    try:
        require_fresh(text, now)
    except HookRefused:
        assert not is_fresh
    else:
        assert is_fresh


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (basic("a:b"), True),
        (basic("c:d"), True),
        (basic("a:bb"), False),
        (basic(""), False),
        ("Bearer YTpi", False),
        ("Basic", False),
        ("Basic %%%", False),
        ("Basic /////w==", False),
        ("", False),
    ],
)
def test_basic_authentication_takes_each_of_our_passwords(
    header: str, expected: bool
) -> None:
    assert is_basic_auth(header, ["a:b", "", "c:d"]) == expected


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%"])
def test_a_broken_secret_of_resend_signs_nothing(secret: str) -> None:
    assert not is_signed_by_svix("1", "2", b"", "v1,", secret)


# The example that the specification of these webhooks gives.
def test_the_published_example_of_svix_is_right() -> None:
    assert is_signed_by_svix(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        b'{"test": 2432232314}',
        "v1,bm9ldHUjKzFob2VudXRob2VodWUzMjRvdWVvdW9ldQo= "
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
