"""What a program does is in each history under the name of its key, however long."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from audiences import api_keys
from audiences.api_keys import BadKey
from audiences.models import (
    ApiKey,
    ConsentEvidence,
    Endpoint,
    ImportRun,
    PrivacyRequest,
    Suppression,
)
from delivery import approvals, deliveries
from delivery.models import AddressError, Delivery, QuarantineAction, Sending
from tests.factories import ServiceFactory
from tests.people import person

from .conftest import Program

LONGEST = ("<img src=x onerror=alert(1)>\"&'" + "ö" * 100)[:100]
PAST = "2026-01-31T09:30:00Z"


def _do_everything(key: Program) -> None:
    """An act of each kind; every one is taken."""
    ann = f"id:{person(email='ann@example.org').pk}"
    ServiceFactory(slug="news")
    about = {"channel": "email", "address": "ann@example.org"}
    noted = {**about, "note": "by letter"}
    act = {"profile": ann, "channel": "email", "note": "asked"}
    held = {"profile": ann, "service": "news"}
    for path, data in (
        ("consent", {"items": [{**act, "action": "opt_out"}]}),
        ("subscriptions", {"items": [{**held, "action": "subscribe"}]}),
        ("quarantine/errors", {**about, "type": "hard", "event_id": "e1"}),
        ("quarantine", about),
        ("quarantine/release", about),
        ("suppressions", noted),
        ("suppressions/lift", noted),
        ("privacy-requests", {"profile": ann, "kind": "objection"}),
        ("endpoints", {"url": "https://a.example/", "events": ["profile.erased"]}),
        ("deliveries", {"label": "Spring", "channel": "email"}),
        ("deliveries/Spring/prepare", {}),
    ):
        answer = key.post(path, data)
        assert answer.status_code < 300, (path, answer.content)
        assert not answer.data.get("failed"), (path, answer.content)


@pytest.mark.django_db
def test_the_longest_name_fits_every_history(program: Callable[..., Program]) -> None:
    key = program(name=LONGEST)
    _do_everything(key)
    name = f"api:{LONGEST}"
    columns: list[tuple[Any, str]] = [
        (ConsentEvidence, "actor"),
        (QuarantineAction, "actor"),
        (Suppression, "actor"),
        (PrivacyRequest, "recorded_by"),
        (Endpoint, "created_by"),
        (Delivery, "written_by"),
    ]
    for model, column in columns:
        found = {*model.objects.values_list(column, flat=True)} - {""}
        assert found == {name}, (model, found)


@pytest.mark.django_db
def test_two_long_names_that_begin_alike_are_two_sources(
    program: Callable[..., Program],
) -> None:
    """An event of a reporter counts once, and each of the two is one."""
    error = {"channel": "email", "address": "ann@example.org", "type": "soft"}
    for name in (f"{'shop' * 20} 1", f"{'shop' * 20} 2"):
        key = program(name=name)
        for _again in range(2):
            assert key.post("quarantine/errors", {**error, "event_id": "e1"}).data
    sources = [*AddressError.objects.values_list("source", flat=True)]
    assert len({*sources}) == len(sources) == 2
    assert all(s.startswith("api:shopshop") and len(s) <= 50 for s in sources)


@pytest.mark.django_db
def test_a_short_name_is_the_source_as_it_is(shop: Program) -> None:
    error = {"channel": "email", "address": "ann@example.org", "type": "soft"}
    shop.post("quarantine/errors", error)
    assert AddressError.objects.get().source == "api:shop"


@pytest.mark.django_db
def test_whoever_approves_sees_that_a_program_wrote_it(
    shop: Program, admin_user: Any
) -> None:
    legal = {"label": "Terms", "channel": "email", "purpose": "legal"}
    shop.post("deliveries", {**legal, "purpose_note": "asked by law"})
    Delivery.objects.update(written_by=admin_user.username)
    body = {"subject": "Terms", "content": "New terms."}
    assert shop.call("PUT", "deliveries/Terms/content", body).status_code == 200
    row = deliveries.find("Terms")
    assert row.written_by == "api:shop", "and not who wrote the text before"
    seen = approvals.fingerprint_of(approvals.statement_of(row))
    approved = approvals.approve(row, user=admin_user, seen=seen)
    assert approved.written_by == "api:shop"


@pytest.mark.django_db
def test_a_program_that_changes_an_audience_has_changed_what_uses_it(
    shop: Program, admin_user: Any
) -> None:
    tree = {"node": "profile", "field": "language", "operator": "is", "value": "nl"}
    condition = {"version": 1, "condition": tree}
    shop.post("audiences", {"name": "Dutch", "condition": condition})
    legal = {"label": "Terms", "channel": "email", "audience": "Dutch"}
    shop.post("deliveries", {**legal, "purpose": "legal", "purpose_note": "by law"})
    Delivery.objects.update(written_by=admin_user.username)
    tree["value"] = "de"
    changed = shop.patch("audiences/Dutch", {"condition": condition})
    assert changed.status_code == 200, changed.content
    assert Delivery.objects.get().written_by == "api:shop"


@pytest.mark.django_db
def test_what_is_cancelled_says_by_whom(shop: Program) -> None:
    shop.post("deliveries", {"label": "Spring", "channel": "email"})
    row = Delivery.objects.get()
    Sending.objects.create(
        delivery=row, state="paused", actor="eva", starts_at=timezone.now()
    )
    answer = shop.post("deliveries/Spring/cancel")
    assert (answer.status_code, answer.data["reason"]) == (
        200,
        "Cancelled by api:shop.",
    )


@pytest.mark.django_db
def test_a_file_of_a_program_is_imported_in_its_name(
    program: Callable[..., Program],
) -> None:
    key = program(name=LONGEST)
    file = SimpleUploadedFile("people.csv", b"email\nann@example.org\n")
    answer = key.client.post(
        "/api/v1/imports",
        {"file": file},
        headers={"Authorization": f"Bearer {key.secret}"},
    )
    assert answer.status_code == 202, answer.content
    assert ImportRun.objects.get().actor == f"api:{LONGEST}"


@pytest.mark.django_db
def test_the_console_shows_a_name_and_no_element(
    program: Callable[..., Program], admin_client: Client
) -> None:
    _do_everything(program(name=LONGEST))
    key, told = ApiKey.objects.get(), Endpoint.objects.get()
    Endpoint.objects.update(reason=LONGEST)
    for place in (
        "audiences/apikey/",
        f"audiences/apikey/{key.pk}/change/",
        f"audiences/endpoint/{told.pk}/change/",
        "audiences/consentevent/",
        "audiences/suppression/",
        "audiences/privacyrequest/",
        "",
    ):
        answer = admin_client.get(f"/admin/{place}", follow=True)
        assert answer.status_code == 200, place
        assert b"<img src=x" not in answer.content, place


@pytest.mark.django_db(transaction=True)
def test_of_two_who_make_the_same_name_at_once_one_is_refused() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    start = Barrier(4)
    results: list[str] = []

    def make() -> None:
        try:
            start.wait(120)
            api_keys.create("shop", ["consent:read"])
            results.append("made")
        except BadKey:
            results.append("refused")
        finally:
            connection.close()

    both = [Thread(target=make) for _n in range(4)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(results) == ["made", "refused", "refused", "refused"]


@pytest.mark.django_db
def test_a_network_of_ipv4_in_the_clothes_of_ipv6_is_that_network() -> None:
    made = api_keys.create("x", ["consent:read"], networks=["::ffff:192.0.2.0/120"])
    assert made.key.networks == ["192.0.2.0/24"]
    for address in ("192.0.2.7", "::ffff:192.0.2.7"):
        assert api_keys.identify(made.secret, address) is not None
    for other in ("192.0.3.7", "::192.0.2.7", "2001:db8::1", "", None, "nonsense"):
        assert api_keys.identify(made.secret, other) is None


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["\0", "\n", "\x7f", "ck_\0_x", "_" * 150])
def test_a_secret_with_what_no_secret_has_is_nobody(part: str) -> None:
    made = api_keys.create("x", ["consent:read"])
    prefix = made.secret.rpartition("_")[0]
    assert api_keys.identify(part, None) is None
    assert api_keys.identify(f"ck_{part}_x", None) is None
    assert api_keys.identify(f"{prefix}_{part}", None) is None


@pytest.mark.django_db
def test_no_role_lets_a_program_do_what_it_lets_nobody_do(db: None) -> None:
    """The officer may put an address into quarantine, and not release it."""
    officer = api_keys.create("officer", ["protection_officer"]).key
    assert api_keys.allows(officer, "quarantine:read")
    assert not api_keys.allows(officer, "quarantine:write")


def test_a_key_of_the_console_may_have_a_limit(admin_client: Client) -> None:
    place = "/admin/audiences/apikey/make/"
    given = {"name": "shop", "scopes": ["consent:read"]}
    for rate in ("0", "1000001", "x", "-5"):
        assert b"errorlist" in admin_client.post(place, given | {"rate": rate}).content
    assert not ApiKey.objects.exists()
    assert b"ck_" in admin_client.post(place, given | {"rate": "30"}).content
    key = ApiKey.objects.get()
    assert key.rate == 30
    shown = admin_client.get(f"/admin/audiences/apikey/{key.pk}/change/").content
    assert b"Requests a minute</dt><dd>30</dd>" in shown
    admin_client.post(place, given | {"name": "other"})
    assert ApiKey.objects.get(name="other").rate is None
