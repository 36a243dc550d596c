"""The second factor and one's sessions: what proves, what ends, who may reset."""

import re
from base64 import b32decode
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from audiences.models import Role, SignIn
from audiences.roles import Code
from tests.admin.elements import marked

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
LOGIN, HOME = "/admin/login/", "/admin/"
ASK, SET_UP, OWN = (
    "/admin/login/code/",
    "/admin/your-sign-in/set-up/",
    "/admin/your-sign-in/",
)


def user_in(code: Code | None = Code.VIEWER, name: str = "anna") -> User:
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
    if code:
        user.groups.add(Role.objects.get(code=code).group)
    return user


def sign_in(name: str = "anna", client: Client | None = None) -> tuple[Client, Any]:
    client = client or Client()
    values = {"username": name, "password": PASSWORD}
    return client, client.post(LOGIN, values)


def key_on(page: str) -> bytes:
    found = re.search(r'class="typed-key">([A-Z2-7 ]+)<', page)
    assert found
    return b32decode(found[1].replace(" ", ""))


def code_of(key: bytes, steps: int = 0) -> str:
    return f"{totp(key, t0=-30 * steps):06d}"


def enrol(client: Client) -> tuple[bytes, list[str]]:
    """Set up a second factor by its pages; its key and the recovery codes."""
    client.post(reverse("admin:begin_second_factor"))
    page = client.get(SET_UP).content.decode()
    key = key_on(page)
    shown = client.post(SET_UP, {"code": code_of(key, -1)}).content.decode()
    return key, re.findall(r"<li><code>([a-z2-7]{8})</code>", shown)


def test_setting_up_shows_a_picture_and_a_key_and_codes_once() -> None:
    user_in()
    client, _answer = sign_in()
    client.post(reverse("admin:begin_second_factor"))
    page = client.get(SET_UP)
    text = page.content.decode()
    drawn = text.partition("<svg")[2].partition("</svg>")[0]
    assert drawn
    assert "style=" not in drawn
    assert "default-src 'none'" in page["Content-Security-Policy"]
    assert "no-store" in page["Cache-Control"]
    key = key_on(text)
    assert "error-summary" in client.post(SET_UP, {"code": "000000"}).content.decode()
    assert not TOTPDevice.objects.filter(confirmed=True).exists()
    time_of_throttle = TOTPDevice.objects.update(
        throttling_failure_count=0, throttling_failure_timestamp=None
    )
    assert time_of_throttle
    shown = client.post(SET_UP, {"code": code_of(key)}).content.decode()
    codes = re.findall(r"<li><code>([a-z2-7]{8})</code>", shown)
    assert len(set(codes)) == 10
    again = client.get(OWN).content.decode()
    assert not any(code in again for code in codes)
    assert LogEntry.objects.filter(change_message__contains="second factor").exists()


def test_the_password_alone_opens_nothing_once_there_is_a_second_factor() -> None:
    user_in()
    first, _answer = sign_in()
    key, _codes = enrol(first)
    assert first.get(HOME).status_code == 200
    client, answer = sign_in()
    assert answer["Location"] == ASK
    assert client.get(HOME).status_code == 302
    assert "error-summary" in client.post(ASK, {"code": "123"}).content.decode()
    TOTPDevice.objects.update(throttling_failure_timestamp=None)
    assert client.post(ASK, {"code": f" {code_of(key)} "})["Location"] == HOME
    assert client.get(HOME).status_code == 200


def test_a_code_counts_once() -> None:
    user_in()
    key, codes = enrol(sign_in()[0])
    code = code_of(key)
    for used in (code, codes[0].upper()):
        client, _answer = sign_in()
        assert client.post(ASK, {"code": used}).status_code == 302
        client, _answer = sign_in()
        assert client.post(ASK, {"code": used}).status_code == 200, used


def test_guessing_codes_is_slowed(settings: Any) -> None:
    settings.SIGN_IN_PER_NAME = 3
    user_in()
    key, _codes = enrol(sign_in()[0])
    client, _answer = sign_in()
    statuses = [client.post(ASK, {"code": "111111"}).status_code for _n in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    TOTPDevice.objects.update(throttling_failure_timestamp=None)
    assert client.post(ASK, {"code": code_of(key)}).status_code == 429


def test_the_page_of_the_code_needs_a_right_password_a_moment_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = user_in()
    key, _codes = enrol(sign_in()[0])
    assert Client().post(ASK, {"code": code_of(key)})["Location"] == LOGIN
    client, _answer = sign_in()
    user.set_password("another long password")
    user.save()
    assert client.post(ASK, {"code": code_of(key)})["Location"] == LOGIN


@pytest.mark.parametrize(
    ("setting", "code", "expected"),
    [
        ("administrators", Code.ADMINISTRATOR, True),
        ("administrators", Code.PROTECTION_OFFICER, True),
        ("administrators", Code.VIEWER, False),
        ("everybody", Code.VIEWER, True),
        ("optional", Code.ADMINISTRATOR, False),
    ],
)
def test_who_needs_one_sets_it_up_first(
    setting: str, code: Code, expected: bool, settings: Any
) -> None:
    settings.SECOND_FACTOR = setting
    user_in(code)
    client, _answer = sign_in()
    home = client.get(HOME)
    assert (home.status_code == 302) is expected
    if not expected:
        return
    assert client.get(LOGIN)["Location"] == SET_UP
    assert client.get(reverse("admin:audiences_profile_changelist")).status_code == 302
    page = client.get(SET_UP).content.decode()
    assert "Your role needs a second factor" in page
    leaving, _answer = sign_in()
    leaving.post(reverse("admin:logout"))
    assert leaving.get(LOGIN).status_code == 200
    enrol(client)
    assert client.get(HOME).status_code == 200
    client.post(reverse("admin:turn_off"), {"code": "1"})
    assert TOTPDevice.objects.exists()


def test_a_superuser_needs_one_too(settings: Any) -> None:
    settings.SECOND_FACTOR = "administrators"
    User.objects.create_superuser("anna", password=PASSWORD)
    client, _answer = sign_in()
    assert client.get(HOME).status_code == 302


def test_sessions_are_listed_and_ended_by_their_user() -> None:
    user, other = user_in(), user_in(name="bram")
    here, _answer = sign_in(client=Client(headers={"user-agent": "Firefox/1"}))
    there, _answer = sign_in(client=Client(headers={"user-agent": "Phone/2"}))
    of_another, _answer = sign_in("bram")
    page = here.get(OWN).content.decode()
    assert "Firefox/1" in page
    assert "Phone/2" in page
    assert "127.0.0.0" in page
    end = reverse("admin:end_sign_in")
    theirs = SignIn.objects.get(user=other)
    here.post(end, {"session": str(theirs.pk)})
    assert of_another.get(HOME).status_code == 200, "nobody ends another's"
    row = SignIn.objects.get(user=user, browser="Phone/2")
    here.post(end, {"session": str(row.pk)})
    assert there.get(HOME).status_code == 302
    assert here.get(HOME).status_code == 200
    third, _answer = sign_in()
    here.post(end)
    assert third.get(HOME).status_code == 302
    assert here.get(HOME).status_code == 200


def test_signing_out_and_a_new_password_end_sessions() -> None:
    user = user_in()
    here, _answer = sign_in()
    there, _answer = sign_in()
    new = "a brand new password"
    values = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert here.post(reverse("admin:password_change"), values).status_code == 302
    assert here.get(HOME).status_code == 200
    assert there.get(HOME).status_code == 302
    assert SignIn.objects.filter(user=user).count() == 1
    here.post(reverse("admin:logout"))
    assert not SignIn.objects.exists()


def test_setting_up_ends_sessions_that_proved_less() -> None:
    user_in()
    here, _answer = sign_in()
    there, _answer = sign_in()
    enrol(here)
    assert here.get(HOME).status_code == 200
    assert there.get(HOME).status_code == 302


@pytest.mark.parametrize(
    ("code", "expected"),
    [(Code.ADMINISTRATOR, 302), (Code.PROTECTION_OFFICER, 403), (Code.OPERATOR, 403)],
)
def test_only_an_administrator_resets_anothers(code: Code, expected: int) -> None:
    user = user_in()
    theirs, _answer = sign_in()
    enrol(theirs)
    user_in(code, "bea")
    client, _answer = sign_in("bea")
    url = reverse("admin:auth_user_reset_factor", args=[user.pk])
    assert client.get(url).status_code in (403, 405)
    assert client.post(url).status_code == expected
    was_reset = expected == 302
    assert TOTPDevice.objects.filter(user=user).exists() is not was_reset
    assert (theirs.get(HOME).status_code == 302) is was_reset
    if was_reset:
        logged = LogEntry.objects.filter(user__username="bea", object_id=str(user.pk))
        assert "reset" in logged.get().change_message
        shown = client.get(reverse("admin:auth_user_change", args=[user.pk]))
        assert "second-factor" not in marked(shown.content.decode(), "state")


def test_nobody_resets_their_own_nor_a_superusers() -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)
    enrol(sign_in("root")[0])
    user = user_in(Code.ADMINISTRATOR)
    client, _answer = sign_in()
    enrol(client)
    for target in (root, user):
        url = reverse("admin:auth_user_reset_factor", args=[target.pk])
        assert client.post(url).status_code == 403
    assert TOTPDevice.objects.count() == 2


def test_a_command_resets_it_for_the_last_administrator(capsys: Any) -> None:
    user = User.objects.create_superuser("root", password=PASSWORD)
    enrol(sign_in("root")[0])
    call_command("reset_second_factor", "root")
    assert not TOTPDevice.objects.filter(user=user).exists()
    assert not SignIn.objects.filter(user=user).exists()


def test_the_pages_of_the_packages_with_everybodys_keys_are_not_there(
    admin_client: Client,
) -> None:
    for path in ("otp_totp/totpdevice/", "otp_static/staticdevice/"):
        assert admin_client.get(f"/admin/{path}").status_code == 404


def test_new_recovery_codes_need_a_code_and_end_the_old_ones() -> None:
    user_in()
    client, _answer = sign_in()
    _key, codes = enrol(client)
    url = reverse("admin:recovery_codes")
    assert client.post(url, {"code": "wrongone"}).status_code == 302
    from django_otp.plugins.otp_static.models import StaticDevice

    StaticDevice.objects.update(throttling_failure_timestamp=None)
    shown = client.post(url, {"code": codes[0]}).content.decode()
    fresh = re.findall(r"<li><code>([a-z2-7]{8})</code>", shown)
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    other, _answer = sign_in()
    assert other.post(ASK, {"code": codes[1]}).status_code == 200
