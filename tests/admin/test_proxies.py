"""A TRUSTED_PROXIES that the requests contradict is told of, on the page and by check."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.test import Client

from audiences.roles import Code

from .test_roles import in_role

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
CASES = [
    # (trusted, sender, X-Forwarded-For, words of the notice; empty: nothing is said)
    (0, "127.0.0.1", None, ""),
    (0, "127.0.0.1", "198.51.100.1", "TRUSTED_PROXIES is 0"),
    (0, "10.0.0.2", "198.51.100.1", "TRUSTED_PROXIES is 0"),
    (0, "9.9.9.9", "203.0.113.1", ""),  # a visitor may write the header too
    (1, "127.0.0.1", "198.51.100.1", ""),
    (1, "127.0.0.1", "1.2.3.4, 198.51.100.1", ""),
    (1, "127.0.0.1", None, "through fewer proxies"),
    (2, "127.0.0.1", "198.51.100.1", "through fewer proxies"),
    (2, "127.0.0.1", "198.51.100.1, 10.0.0.7", ""),
]


def of(sender: str, header: str | None) -> dict[str, Any]:
    more = {} if header is None else {"HTTP_X_FORWARDED_FOR": header}
    return {"REMOTE_ADDR": sender, **more}


@pytest.mark.parametrize(("trusted", "sender", "header", "words"), CASES)
def test_administrators_are_told_on_the_home_page(
    trusted: int, sender: str, header: str | None, words: str, settings: Any
) -> None:
    settings.TRUSTED_PROXIES = trusted
    admin = in_role(Code.ADMINISTRATOR)
    page = admin.get("/admin/", **of(sender, header)).content.decode()
    assert ("TRUSTED_PROXIES" in page) is bool(words)
    assert words in page
    other = in_role(Code.VIEWER).get("/admin/", **of(sender, header))
    assert "TRUSTED_PROXIES" not in other.content.decode()


def found() -> list[str]:
    told = run_checks(databases=["default"])
    return [str(message.msg) for message in told if message.id == "campaign.W009"]


@pytest.mark.parametrize(("trusted", "sender", "header", "words"), CASES)
def test_a_check_says_what_the_last_sign_in_showed(
    trusted: int, sender: str, header: str | None, words: str, settings: Any
) -> None:
    settings.TRUSTED_PROXIES = trusted
    User.objects.create_user("anna", password=PASSWORD, is_staff=True)
    values = {"username": "anna", "password": PASSWORD}
    answer = Client().post("/admin/login/", values, **of(sender, header))
    assert answer.status_code == 302
    assert bool(found()) is bool(words)
    assert all(words in text for text in found())
    settings.TRUSTED_PROXIES = trusted + 1
    assert not found(), "the setting has changed since"
