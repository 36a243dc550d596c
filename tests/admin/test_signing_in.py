"""Signing in: guessing a password is stopped, and nobody locks out somebody else."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from audiences.models import Allowance

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
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
    answer = sign_in("anna", HTTP_X_FORWARDED_FOR="203.0.113.2")
    assert answer.status_code == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"), ("10.1.1.1", "10.1.1.200")],
)
def test_addresses_of_one_network_are_counted_together(first: str, second: str) -> None:
    guess("anna", ip=first)
    assert sign_in("anna", ip=second).status_code == 429
    assert sign_in("bram", ip=second).status_code == 302


def test_many_names_from_one_network_are_stopped() -> None:
    statuses = [
        sign_in(f"name{number}", "wrong", ip=f"2001:db8:1:2::{number}").status_code
        for number in range(20)
    ]
    most = settings.SIGN_IN_PER_NETWORK
    assert statuses == [200] * most + [429] * (20 - most)
    assert sign_in("anna", ip="2001:db8:1:2::ff").status_code == 429
    assert sign_in("anna", ip="2001:db8:1:3::1").status_code == 302


def test_one_name_from_rotating_addresses_is_slowed() -> None:
    statuses = [
        sign_in("anna", "wrong", ip=f"10.{number}.1.1").status_code
        for number in range(20)
    ]
    most = settings.SIGN_IN_PER_NAME
    assert statuses == [200] * most + [429] * (20 - most)
    refused = sign_in("anna", ip="10.99.1.1")
    assert 0 < int(refused["Retry-After"]) <= 3600 / most
    assert sign_in("bram", ip="10.99.1.1").status_code == 302


def test_what_was_used_up_comes_back_slowly() -> None:
    for number in range(settings.SIGN_IN_PER_NAME):
        sign_in("anna", "wrong", ip=f"10.{number}.1.1")
    assert sign_in("anna", ip="10.99.1.1").status_code == 429
    a_while = timedelta(hours=1) / settings.SIGN_IN_PER_NAME
    for row in Allowance.objects.all():
        row.at -= a_while
        row.save()
    assert sign_in("anna", "wrong", ip="10.98.1.1").status_code == 200
    assert sign_in("anna", ip="10.99.1.1").status_code == 429


def test_a_browser_that_was_signed_in_before_is_not_kept_out_by_others() -> None:
    own = Client()
    values = {"username": "anna", "password": PASSWORD}
    own.post(reverse("admin:login"), values, REMOTE_ADDR="10.50.1.1")
    own.post(reverse("admin:logout"))
    for number in range(20):
        sign_in("anna", "wrong", ip=f"10.{number}.1.1")
        sign_in(f"name{number}", "wrong", ip="10.50.1.1")
    assert sign_in("anna", ip="10.50.1.1").status_code == 429
    answer = own.post(reverse("admin:login"), values, REMOTE_ADDR="10.50.1.1")
    assert answer.status_code == 302
    of_another = {**values, "username": "bram"}
    answer = own.post(reverse("admin:login"), of_another, REMOTE_ADDR="10.50.1.1")
    assert answer.status_code == 429, "the cookie vouches for one name alone"


def test_an_account_of_ones_own_opens_nothing_for_guessing() -> None:
    for number in range(settings.SIGN_IN_PER_NETWORK):
        sign_in(f"name{number}", "wrong")
        if number % 4 == 0:
            sign_in("bram")
    assert sign_in("carl", "wrong").status_code == 429


def test_an_administrator_lifts_the_slow_pauses_too() -> None:
    for number in range(20):
        sign_in("anna", "wrong", ip=f"10.{number}.1.1")
    call_command("axes_reset_username", "anna")
    assert sign_in("anna", ip="10.99.1.1").status_code == 302
    for number in range(20):
        sign_in(f"name{number}", "wrong", ip="10.3.3.3")
    call_command("axes_reset")
    assert sign_in("anna", ip="10.3.3.3").status_code == 302


@pytest.mark.parametrize("where", ["/admin/auth/user/", "//evil.example/", "/p/x/"])
def test_signing_in_leads_home_whatever_the_address_says(where: str) -> None:
    values = {"username": "anna", "password": PASSWORD, "next": where}
    url = f"{reverse('admin:login')}?next={where}"
    assert Client().post(url, values)["Location"] == "/admin/"


@pytest.mark.parametrize(
    "password", ["elevenchars", "password1234", "123456789012", "annaannaanna"]
)
def test_passwords_are_long_and_not_common(password: str) -> None:
    user = User.objects.get(username="anna")
    user.username = "annaannaanna"
    with pytest.raises(ValidationError):
        validate_password(password, user)
    validate_password("quiet harbour lamp", user)


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
