"""Signing in: guessing a password is stopped, and nobody locks out somebody else."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _people() -> None:
    for name in ("anna", "bram"):
        User.objects.create_user(name, password=PASSWORD, is_staff=True)


def sign_in(
    name: str, password: str = PASSWORD, ip: str = "10.1.1.1", **headers: Any
) -> HttpResponse:
    values = {"username": name, "password": password, "next": "/admin/"}
    return Client().post(  # type: ignore[return-value]
        reverse("admin:login"), values, REMOTE_ADDR=ip, **headers
    )


def guess(name: str, ip: str = "10.1.1.1", times: int = 0, **headers: Any) -> Any:
    for _time in range(times or settings.AXES_FAILURE_LIMIT):
        answer = sign_in(name, "wrong", ip, **headers)
    return answer


def test_too_many_wrong_passwords_are_refused_with_a_reason() -> None:
    answer = guess("anna")
    assert answer.status_code == 429
    text = answer.content.decode()
    assert "Too many attempts" in text
    assert "15 minutes" in text
    assert int(answer["Retry-After"]) == 15 * 60
    assert sign_in("anna").status_code == 429, "the right password is refused too"


def test_one_wrong_password_less_is_not_refused() -> None:
    guess("anna", times=settings.AXES_FAILURE_LIMIT - 1)
    assert sign_in("anna").status_code == 302
    guess("anna", times=settings.AXES_FAILURE_LIMIT - 1)
    assert sign_in("anna").status_code == 302, "success begins the count anew"


def test_others_at_the_same_address_sign_in() -> None:
    guess("anna")
    assert sign_in("bram").status_code == 302


def test_the_same_operator_signs_in_from_elsewhere() -> None:
    guess("anna")
    assert sign_in("anna", ip="10.2.2.2").status_code == 302


def test_the_pause_ends() -> None:
    guess("anna")
    long_ago = timedelta(minutes=16)
    for attempt in AccessAttempt.objects.all():
        attempt.attempt_time -= long_ago
        attempt.save()
    assert sign_in("anna").status_code == 302


def test_an_administrator_lifts_the_pause() -> None:
    guess("anna")
    call_command("axes_reset_username", "anna")
    assert sign_in("anna").status_code == 302


@pytest.mark.parametrize(("proxies", "expected"), [(0, 429), (1, 302)])
def test_the_address_behind_our_proxies_counts(
    proxies: int, expected: int, settings: Any
) -> None:
    """Without proxies the header is what anybody writes: it opens no second door."""
    settings.TRUSTED_PROXIES = proxies
    guess("anna", HTTP_X_FORWARDED_FOR="198.51.100.1")
    answer = sign_in("anna", HTTP_X_FORWARDED_FOR="198.51.100.2")
    assert answer.status_code == expected


def test_no_password_is_kept_of_a_wrong_attempt() -> None:
    sign_in("anna", "my-other-password")
    attempt = AccessAttempt.objects.get()
    kept = " ".join(str(value) for value in vars(attempt).values())
    assert "my-other-password" not in kept


def test_sign_in_speaks_the_language_of_the_browser() -> None:
    url = reverse("admin:login")
    dutch = Client().get(url, headers={"accept-language": "nl"}).content.decode()
    assert '<html lang="nl"' in dutch
    assert "Gebruikersnaam" in dutch
