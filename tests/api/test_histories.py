"""Every act of a key is in a history, under the key's name; what changed nothing is not."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import reverse

from audiences import privacy
from audiences.models import ApiAnswer, ApiKey, ApiUse, Profile, Service
from audiences.records import console_log

from .conftest import Program
from .writing_calls import bodies, places, send

pytestmark = pytest.mark.django_db
__all__ = ["places"]
# What is known of the key itself is no history.
OTHERS = (ApiKey, ApiUse, ApiAnswer, User, Session)
ADDRESSES = {
    "email": "anna.ames@example.org",
    "sms": "+31612345678",
    "phone": "+31201234567",
    "direct_mail": "Anna Ames, Dorpsstraat 1, 1234 AB Ons Dorp",
    "push": "device-token-0123456789abcdef",
}
PARTS = ("anna", "Ames", "example", "2345", "Dorp", "token")


def _histories() -> dict[tuple[str, Any], str]:
    """Every row of every table in one text; of the log with the name of who did it."""
    found = {
        (model._meta.label, values[0]): repr(values)
        for model in apps.get_models()
        if model not in OTHERS
        for values in model._base_manager.values_list()
    }
    for pk, name in LogEntry.objects.values_list("pk", "user__username"):
        found[LogEntry._meta.label, pk] += name
    return found


def test_each_act_names_its_key(shop: Program, places: dict[str, Any]) -> None:
    before = _histories()
    nameless = []
    for (method, path), (where, body) in bodies(places).items():
        with transaction.atomic():
            answer = send(shop, method, where, body)
            assert answer.status_code < 300, (method, path, answer.content)
            after = _histories()
            new = [text for row, text in after.items() if before.get(row) != text]
            if not any("api:shop" in text for text in new):
                nameless.append((method, path))
            transaction.set_rollback(True)
    assert nameless == [], nameless


def _log() -> list[tuple[str, str, str]]:
    rows = LogEntry.objects.select_related("user").order_by("pk")
    return [
        (row.user.username, row.object_repr, console_log.in_words(row)) for row in rows
    ]


def test_a_change_says_what_was_changed(shop: Program) -> None:
    made = shop.post("profiles", {"external_id": "A1", "first_name": "Ann"}).data["id"]
    shop.patch("profiles/ext:A1", {"first_name": "Anna", "language": "nl"})
    shop.patch("profiles/ext:A1", {"first_name": "Anna"})
    box = {"channel": "email", "address": "anna@example.org"}
    shop.post("profiles/ext:A1/addresses", box)
    shop.post("profiles/ext:A1/addresses", box)
    other = {"channel": "email", "address": "ann@example.org"}
    shop.post("profiles/ext:A1/addresses", other)
    shop.post("profiles/ext:A1/addresses", {**other, "primary": True})
    shop.call(
        "DELETE", f"profiles/id:{made}/addresses?channel=email&address={box['address']}"
    )
    assert _log() == [
        ("api:shop", "Ann", "Added."),
        ("api:shop", "Anna", "Changed first name and language."),
        ("api:shop", "Anna", "Address “a•••@e•••.org” was added."),
        ("api:shop", "Anna", "Address “a•••@e•••.org” was added."),
        ("api:shop", "Anna", "Address “a•••@e•••.org” is now primary."),
        ("api:shop", "Anna", "Address “a•••@e•••.org” was removed."),
    ]


def test_the_log_has_no_whole_address_of_any_kind(shop: Program) -> None:
    shop.post("profiles", {"external_id": "A1"})
    for channel, address in ADDRESSES.items():
        box = {"channel": channel, "address": address}
        assert shop.post("profiles/ext:A1/addresses", box).status_code == 200
        shop.call(
            "DELETE",
            "profiles/ext:A1/addresses?" + urlencode(box),
        )
    said = [how for _who, _what, how in _log()]
    assert len(said) == 1 + 2 * len(ADDRESSES)
    assert not [text for text in said for part in PARTS if part in text]


def test_an_address_in_the_log_is_the_one_that_is_kept(shop: Program) -> None:
    shop.post("profiles", {"external_id": "A1"})
    for text in (
        "Anna A. Ames <ann@example.org>",
        "ann@example.org",
        "Ann@example.org",
    ):
        box = {"channel": "email", "address": text}
        assert shop.post("profiles/ext:A1/addresses", box).status_code == 200
    assert [how for _who, _what, how in _log()[1:]] == [
        "Address “a•••@e•••.org” was added.",
        "The profile had address “A•••@e•••.org” already.",
    ]


def test_what_is_refused_or_tried_or_changes_nothing_is_in_no_history(
    shop: Program,
) -> None:
    news = {"slug": "news", "label": "News", "channel": "email"}
    shop.post("services?dry_run=true", news)
    assert not User.objects.exists()
    shop.post("services", news)
    shop.post("services", news)
    shop.patch("services/news", {"label": "News"})
    shop.patch("services/news", {"validity_days": 0})
    assert _log() == [("api:shop", "News", "Added.")]
    shop.patch("services/news", {"is_closed": True})
    assert _log()[1:] == [("api:shop", "News", "Changed closed.")]


def test_an_erasure_finds_what_names_the_person_and_searches_no_more(
    shop: Program,
) -> None:
    """Keys write about people by the million, in words of ours on their own pages."""
    named = {"first_name": "Zorro", "last_name": "Maskov"}
    made = shop.post("profiles", {"external_id": "A1", **named}).data["id"]
    shop.patch("profiles/ext:A1", {"first_name": "Zorra"})
    shop.post("profiles", {"external_id": "A2", "first_name": "Zorra Maskov & Co"})
    shop.post("deliveries", {"label": "To Zorra Maskov", "channel": "email"})
    eva = User.objects.create_user("eva")
    kind = ContentType.objects.get_for_model(Profile)
    facts = {"object_repr": "Bo", "action_flag": 2, "content_type": kind}
    LogEntry.objects.create(user=eva, change_message="saw Zorra Maskov", **facts)
    privacy.erase(Profile.objects.get(pk=made))
    rows = LogEntry.objects.order_by("pk").values_list("object_repr", "change_message")
    assert [what or how for what, how in rows][:2] == [f"#{made}"] * 2
    assert [what for what, _how in rows[2:]] == [
        "Zorra Maskov & Co",
        "To [erased]",
        "Bo",
    ]
    assert rows.last() == ("Bo", "saw [erased]")


def test_two_keys_are_told_apart(program: Any) -> None:
    first, second = program(name="shop"), program(name="crm")
    first.post("services", {"slug": "news", "label": "News", "channel": "email"})
    second.patch("services/news", {"double_opt_in": True})
    assert [who for who, _what, _how in _log()] == ["api:shop", "api:crm"]


def test_nobody_signs_in_as_a_key(shop: Program, rf: RequestFactory) -> None:
    shop.post("services", {"slug": "news", "label": "News", "channel": "email"})
    account = User.objects.get(username="api:shop")
    assert (account.is_active, account.is_staff) == (False, False)
    assert not account.has_usable_password()
    for password in ("", "shop", shop.secret, account.password):
        given = {"username": "api:shop", "password": password}
        assert authenticate(rf.post("/"), **given) is None
    with pytest.raises(ValidationError):
        User(username="api:other", password="x").full_clean()


def test_the_console_shows_what_a_key_did(shop: Program, admin_client: Client) -> None:
    shop.post("services", {"slug": "news", "label": "News", "channel": "email"})
    shop.post("profiles", {"external_id": "A1", "first_name": "Ann"})
    shop.patch("profiles/ext:A1", {"last_name": "Ames"})
    person = Profile.objects.get().pk
    about = {
        "admin:audiences_service_history": Service.objects.get().pk,
        "admin:audiences_profile_history": person,
        "admin:audiences_profile_change": person,
    }
    for name, pk in about.items():
        page = admin_client.get(reverse(name, args=[pk]), follow=True)
        assert "api:shop" in page.content.decode(), name
    activity = reverse("admin:audiences_profile_activity")
    assert "Changed last name." in admin_client.get(activity).content.decode()
    assert "Service: News" in (
        admin_client.get(activity, {"who": "api:shop"}).content.decode()
    )


def test_an_account_of_a_key_is_no_operator(
    shop: Program, admin_client: Client
) -> None:
    shop.post("services", {"slug": "news", "label": "News", "channel": "email"})
    account = User.objects.get(username="api:shop")
    listed = admin_client.get(reverse("admin:auth_user_changelist"))
    assert "api:shop" not in listed.content.decode()
    page = admin_client.get(reverse("admin:auth_user_change", args=[account.pk]))
    assert page.status_code == 302


def test_the_log_names_an_endpoint_in_full(shop: Program, settings: Any) -> None:
    settings.ENDPOINTS_ALLOW_PRIVATE = True
    url = "http://192.0.2.123:9000/told"
    shop.post(
        "endpoints", {"url": f"{url}?token=hidden", "events": ["consent.opted_out"]}
    )
    assert LogEntry.objects.get().object_repr == url, "but for what may be a secret"
